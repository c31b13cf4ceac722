"""Pulling weights with the real ``huggingface_hub`` client from a Hub of the tests' own: what comes, what is said."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tiny
from hub_server import HubServer, sha256
from safetensors.numpy import load
from safetensors.numpy import save as serialise

import resnet_demo
from resnet_demo import checkpoints
from resnet_demo.checkpoints import hub
from resnet_demo.checkpoints.hub import HubSource
from resnet_demo.errors import UserError
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.tasks.imagenet_names import names

REPO, PATH = "you/resnet-demo-weights", "flowers102/resnet18/model.safetensors"
DATA = np.random.default_rng(0).bytes(300_000)
TIMM = {
    "architecture": "resnet18",
    "num_classes": 1000,
    "num_features": 512,
    "pretrained_cfg": {
        "tag": "tv_in1k",
        "custom_load": False,
        "input_size": [3, 224, 224],
        "fixed_input_size": False,
        "interpolation": "bilinear",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "num_classes": 1000,
        "pool_size": [7, 7],
        "first_conv": "conv1",
        "classifier": "fc",
        "license": "bsd-3-clause",
    },
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A Hub, with this process's client pointed at it and an empty cache; ``server.pauses`` are the client's."""
    with HubServer(tmp_path / "hub") as running:
        running.pauses = running.patch(monkeypatch)
        hub.resolve.cache_clear()
        yield running
        hub.resolve.cache_clear()


@pytest.fixture
def small(server) -> HubSource:
    """A pinned source of some random bytes."""
    revision = server.commit(REPO, {PATH: DATA, "config.json": b"{}"})
    return HubSource(REPO, revision, PATH, sha256(DATA), len(DATA))


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> dict[str, bytes]:
    """The files of a repository with our layout: a random ResNet-18 for flowers102."""
    root = tiny.weights_folder(tmp_path_factory.mktemp("published"), (tiny.FLOWERS, 18))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def timm_state() -> dict[str, np.ndarray]:
    state = tiny.random_state(18, 1000)
    counters = [key.replace("running_mean", "num_batches_tracked") for key in state if key.endswith("running_mean")]
    return {**state, **{key: np.array(7) for key in counters}}


def index(tmp_path, monkeypatch, *records: dict) -> None:
    """A weights folder that bundles nothing, and whose index has these records."""
    folder = tmp_path / "weights"
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"checkpoints": list(records)}))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(folder))


def record(source: HubSource, task: str = "flowers102", depth: int = 18, **more: object) -> dict:
    return {"task": task, "depth": depth, "metrics": {}, "hub": vars(source), **more}


def complaint(call, *arguments, kind: type[UserError] = UserError) -> str:
    """The one sentence a call refuses with."""
    with pytest.raises(kind) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 300
    return message


def blobs(server) -> list[str]:
    """The files that the cache holds, half-written ones included."""
    return sorted(path.name for path in server.cache.rglob("blobs/*"))


def pull(server, small, tmp_path, monkeypatch, layout) -> HubSource:
    """Commit our layout and list it in the index; the source of its weights."""
    revision = server.commit(REPO, layout)
    source = HubSource(REPO, revision, PATH, sha256(layout[PATH]), len(layout[PATH]))
    index(tmp_path, monkeypatch, record(source))
    return source


# From the cache and from the Hub


def test_the_first_pull_the_second_start_and_what_the_page_can_say(server, tmp_path, monkeypatch, layout):
    pull(server, None, tmp_path, monkeypatch, layout)
    assert resnet_demo.available() == {"flowers102": [18]}
    entry = checkpoints.find("flowers102", 18)
    assert not entry.is_cached and entry.bytes == len(layout[PATH]) and server.log == []
    steps = []
    checkpoint = checkpoints.load("flowers102", 18, lambda here, whole: steps.append((here, whole)))
    assert (checkpoint.spec, checkpoint.depth) == (tiny.FLOWERS, 18)
    assert checkpoint.path.read_bytes() == layout[PATH] and checkpoint.metrics == {"top1": checkpoints.Metric(0.5)}
    assert steps[-1] == (len(layout[PATH]), len(layout[PATH])) and steps == sorted(steps)
    assert entry.is_cached
    server.log.clear()
    again = checkpoints.load("flowers102", 18)
    assert again.path == checkpoint.path and server.log == []


def test_the_page_says_what_will_be_downloaded_and_how_far_it_is(server, tmp_path, monkeypatch, layout):
    from gradio.context import LocalContext

    from resnet_demo.backends import devices
    from resnet_demo.inference import predictor
    from resnet_demo.page import catalog, networks

    class Page:
        """What Gradio keeps of a running event's page."""

        def __init__(self) -> None:
            self.seen, self._queue = [], self

        def set_progress(self, event: str, iterables: list) -> None:
            self.seen.append((event, iterables[-1].index, iterables[-1].length, iterables[-1].desc))

    page, whole = Page(), len(layout[PATH])
    pull(server, None, tmp_path, monkeypatch, layout)
    monkeypatch.setattr(predictor, "_loaded", {})
    monkeypatch.setattr(devices, "may_have_cuda", lambda: False)
    monkeypatch.setattr(devices, "has_mps", lambda: False)
    assert catalog.depth_info("flowers102").endswith(f"Downloaded when first used: 18 ({whole / 1e6:.0f} MB).")
    LocalContext.blocks.set(page)
    LocalContext.event_id.set("event")
    try:
        networks.network("flowers102", 18)
    finally:
        LocalContext.blocks.set(None)
        LocalContext.event_id.set(None)
    assert page.seen[-1] == ("event", whole, whole, "Downloading ResNet-18")
    assert "Downloaded" not in catalog.depth_info("flowers102")


def test_a_second_process_starts_from_the_cache_without_any_request(server, tmp_path, monkeypatch, layout):
    pull(server, None, tmp_path, monkeypatch, layout)
    checkpoints.load("flowers102", 18)
    server.log.clear()
    # Not even the list of agents' names that the client fetches once a process and day.
    code = "import resnet_demo as r; print(r.load('flowers102', 18, 'cpu').spec.labels[0])"
    weights = str(tmp_path / "weights")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=server.env(RESNET_DEMO_WEIGHTS=weights, CUDA_VISIBLE_DEVICES=""),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "Rose\n", done.stderr
    assert server.log == []


def test_a_bundled_file_comes_first_and_a_damaged_one_is_no_reason_to_download(server, tmp_path, monkeypatch, layout):
    for name, data in layout.items():
        path = tmp_path / "weights" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    file = tmp_path / "weights" / PATH
    (known,) = json.loads(layout["index.json"])["checkpoints"]
    source = HubSource(REPO, server.commit(REPO, layout), PATH, known["sha256"], known["bytes"])
    index(tmp_path, monkeypatch, {**known, "hub": vars(source)})
    assert checkpoints.load("flowers102", 18).path == file and [*checkpoints.bundled()] == checkpoints.entries()
    file.write_bytes(layout[PATH][:-1])
    assert "damaged" in complaint(checkpoints.load, "flowers102", 18)
    assert server.log == []
    file.unlink()
    assert checkpoints.bundled() == [] and checkpoints.find("flowers102", 18).metrics == {
        "top1": checkpoints.Metric(0.5)
    }
    assert checkpoints.load("flowers102", 18).path.is_relative_to(server.cache)


def test_registering_keeps_another_source_and_drops_a_copy_of_the_old_weights(server, tmp_path, monkeypatch, layout):
    timm = HubSource("timm/resnet18.tv_in1k", "a" * 40, "model.safetensors", "b" * 64, 46_807_446, "timm")
    index(tmp_path, monkeypatch, record(timm))
    folder = tmp_path / "weights" / "flowers102" / "resnet18"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes(layout[f"flowers102/resnet18/{name}"])
    entry = checkpoints.register(folder)
    assert entry.hub == timm and not entry.is_remote and entry.bytes == len(layout[PATH])
    copy = HubSource(REPO, "a" * 40, PATH, entry.sha256, entry.bytes)
    checkpoints.register(folder, copy)
    assert checkpoints.register(folder).hub == copy
    trained = layout[PATH][:-1] + b"?"
    config = json.loads(layout["flowers102/resnet18/config.json"])
    config["weights"] = {"bytes": len(trained), "sha256": sha256(trained)}
    (folder / "model.safetensors").write_bytes(trained)
    (folder / "config.json").write_text(json.dumps(config))
    assert checkpoints.register(folder).hub is None


def test_the_pinned_revision_is_what_is_used(server, small):
    server.commit(REPO, {PATH: b"newer"})
    path, data = hub.read(small)
    assert data == DATA and small.revision in path.parts
    assert all(small.revision in asked for asked in server.paths() if "/resolve/" in asked)


# Files that are not what they must be


def test_a_changed_file_on_the_server_is_refused_before_it_comes(server, small):
    server.repos[REPO][small.revision][PATH] = DATA[::-1]
    message = complaint(hub.read, small)
    assert "the Hub has a file with another SHA-256 there" in message and "get the newest version" in message
    assert "GET" not in {request.method for request in server.log} and blobs(server) == []


def test_a_file_that_comes_damaged_is_fetched_once_more_and_then_refused(server, small, monkeypatch):
    monkeypatch.setattr(server, "served", lambda path, data: data[:-1] + b"?")
    message = complaint(hub.read, small)
    assert "it has another SHA-256" in message and "it was removed; try again" in message
    assert sum(request.method == "GET" for request in server.log) == 2
    assert blobs(server) == [] and hub.cached(small) is None


@pytest.mark.parametrize("damage", [lambda data: data[:-10], lambda data: b"?" + data[1:]], ids=["cut", "flipped"])
def test_a_damaged_file_in_the_cache_is_fetched_once_more(server, small, damage):
    path, _ = hub.read(small)
    path.resolve().write_bytes(damage(DATA))
    server.log.clear()
    assert hub.read(small)[1] == DATA
    assert sum(request.method == "GET" for request in server.log) == 1


def test_a_damaged_file_in_the_cache_without_a_network(server, small):
    hub.read(small)[0].resolve().write_bytes(b"?")
    server.down()
    assert "cannot be reached" in complaint(hub.read, small)
    assert hub.cached(small) is None and blobs(server) == []


def test_a_broken_configuration_in_the_cache_is_fetched_once_more(server, small):
    path = hub.download(REPO, "config.json", small.revision)
    path.resolve().write_bytes(b"{")
    assert hub.read_json(REPO, small.revision, "config.json") == {}


def test_a_configuration_that_is_none(server):
    revision = server.commit(REPO, {"config.json": b"[]"})
    assert "no JSON object" in complaint(hub.read_json, REPO, revision, "config.json")


def test_a_file_that_is_no_safetensors(server, tmp_path, monkeypatch, layout):
    files = {**layout, PATH: b"PK\x03\x04" + bytes(500)}
    index(tmp_path, monkeypatch, record(HubSource(REPO, server.commit(REPO, files), PATH, sha256(files[PATH]), 504)))
    assert "is no weights file that this version can read" in complaint(checkpoints.load, "flowers102", 18)


def test_weights_with_a_missing_and_an_extra_key(server, tmp_path, monkeypatch, layout):
    state = load(layout[PATH])
    state["surprise"] = state.pop("bn1.bias")
    files = {**layout, PATH: serialise(state)}
    index(tmp_path, monkeypatch, record(HubSource(REPO, server.commit(REPO, files), PATH, sha256(files[PATH]))))
    message = complaint(checkpoints.load, "flowers102", 18)
    assert "missing are bn1.bias; unexpected are surprise" in message


def test_weights_of_another_task_than_the_index_says(server, tmp_path, monkeypatch, layout):
    source = HubSource(REPO, server.commit(REPO, layout), PATH, sha256(layout[PATH]))
    index(tmp_path, monkeypatch, record(source, depth=34))
    message = complaint(checkpoints.load, "flowers102", 34)
    assert "is a ResNet-18 for flowers102, not a ResNet-34 for flowers102" in message


# Networks that are slow, cut or gone


def test_a_connection_that_is_cut_is_taken_up_where_it_stopped(server, small, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    server.cut(100_500, path="/cdn/")
    assert hub.read(small)[1] == DATA
    first, second = [request for request in server.log if request.method == "GET"]
    assert "range" not in first.headers and second.headers["range"] == "bytes=100000-" and second.status == 206


def test_a_connection_that_is_always_cut_leaves_nothing_half_written(server, small):
    server.cut(0, path="/cdn/", times=None)
    message = complaint(hub.read, small)
    assert "cannot be reached: check the network and try again" in message
    assert blobs(server) == [] and hub.cached(small) is None
    server.heal()
    assert hub.read(small)[1] == DATA


def test_the_server_is_down_with_a_warm_cache(server, small):
    hub.read(small)
    server.down()
    assert hub.read(small)[1] == DATA and server.pauses == []


def test_the_server_is_down_with_a_cold_cache(server, small):
    server.down()
    message = complaint(hub.read, small)
    assert message == (
        f"Cannot fetch {REPO}/{PATH}, the Hub at {server.url} cannot be reached: check the network and try again."
    )
    assert server.pauses == []  # The client itself would try for half a minute.


def test_offline_mode(server, small, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = complaint(hub.read, small)
    assert "HF_HUB_OFFLINE is set: unset it once, where there is a network" in message and server.log == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.read(small)
    server.log.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.read(small)[1] == DATA and server.log == []


def test_what_answers_is_no_hub(server, small, monkeypatch):
    monkeypatch.setattr(server, "answer", lambda request: (server_error(200), None))
    assert "is no Hub: correct HF_ENDPOINT, the proxy or the firewall" in complaint(hub.read, small)


def server_error(status: int):
    from hub_server import Response

    return Response(status, b"Welcome to the hotel's network.")


# Refusals


def test_a_private_repository(server, small, monkeypatch):
    server.private[REPO] = "hf_right"
    assert "does not exist or is private: correct the name, or log in" in complaint(hub.read, small)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "does not accept the access token: log in with `hf auth login` or correct" in complaint(hub.read, small)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert hub.read(small)[1] == DATA
    assert all(request.token is None for request in server.log if request.path.startswith("/cdn/"))


@pytest.mark.parametrize(
    ("change", "sentence", "kind"),
    [
        ({"repo": "you/nothing"}, "the repository does not exist or is private", UserError),
        ({"revision": "b" * 40}, "the repository has no such revision: correct the revision", UserError),
        ({"path": "no.safetensors"}, "the repository has no such file at this revision", hub.NoSuchFile),
    ],
)
def test_what_is_not_there(server, small, change, sentence, kind):
    message = complaint(hub.read, HubSource(**{**vars(small), **change}), kind=kind)
    assert sentence in message and server.pauses == []


def test_a_gated_repository(server, small):
    server.fail(403, code="GatedRepo", message="Access to model you/resnet-demo-weights is restricted")
    assert "its owner must allow it" in complaint(hub.read, small)


def test_too_many_requests_with_a_long_wait_are_not_waited_for(server, small):
    server.fail(429, Retry_After="3600")
    assert "try again in 3600 seconds" in complaint(hub.read, small)
    assert len(server.log) == 1 and server.pauses == []


def test_too_many_requests_with_a_short_wait_are_waited_for(server, small):
    server.fail(429, times=3, Retry_After="7")
    assert hub.read(small)[1] == DATA
    assert 8 in server.pauses  # the seven seconds, and one for rounding


def test_a_fault_of_the_hub_is_tried_again_and_then_told(server, small):
    server.fail(503, times=2)
    assert hub.read(small)[1] == DATA
    hub._remove(hub.cached(small))
    server.fail(503)
    assert "a fault of its own (503): try again in a few minutes" in complaint(hub.read, small)


def test_a_cache_that_cannot_be_written(server, small, monkeypatch, tmp_path):
    from huggingface_hub import constants

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    assert "set HF_HOME to a folder that you can write to" in complaint(hub.read, small)


def test_errors_of_other_kinds_pass():
    with pytest.raises(ZeroDivisionError), hub.hub_errors("divide"):
        _ = 1 / 0


# Requests at the same time


def test_threads_that_want_the_same_weights_download_them_once(server, small):
    ready = threading.Barrier(4)

    def one() -> bytes:
        ready.wait(10)
        return hub.read(small)[1]

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(one) for _ in range(4)]
        assert all(job.result() == DATA for job in jobs)
    assert sum(request.method == "GET" for request in server.log) == 1


def test_processes_that_want_the_same_weights_download_them_once(server, small, monkeypatch):
    def served(path: str, data: bytes) -> bytes:
        """Nothing comes before both have asked for it."""
        give_up = time.monotonic() + 60
        while sum(request.method == "HEAD" for request in server.log) < 4 and time.monotonic() < give_up:
            server.lock.release()  # ``answer`` holds it
            time.sleep(0.01)
            server.lock.acquire()
        return data

    monkeypatch.setattr(server, "served", served)
    code = (
        "import json, sys; from resnet_demo.checkpoints import hub; "
        "print(len(hub.read(hub.HubSource.from_json(json.loads(sys.argv[1])))[1]))"
    )
    command = [sys.executable, "-c", code, json.dumps(vars(small))]
    both = [
        subprocess.Popen(command, env=server.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        out, errors = process.communicate(timeout=120)
        assert out == f"{len(DATA)}\n", errors
    assert sum(path.startswith("/cdn/") for path in server.paths("GET")) == 1


# Sources without a hash, or without a revision


def test_without_a_hash_the_one_that_the_hub_gives_first_is_kept(server, small):
    open_ = HubSource(REPO, small.revision, PATH)
    assert hub.read(open_)[1] == DATA
    server.log.clear()
    assert hub.read(open_)[1] == DATA and server.log == []
    hub._remove(hub.cached(open_))
    server.repos[REPO][small.revision][PATH] = DATA[::-1]
    assert "another SHA-256" in complaint(hub.read, open_)


def test_without_a_revision_the_first_one_is_kept(server, small):
    open_ = HubSource(REPO, "main", PATH)
    assert hub.cached(open_) is None
    path, _ = hub.read(open_)
    assert small.revision in path.parts and hub.commit_of(open_) == small.revision
    server.commit(REPO, {PATH: b"newer"})
    server.log.clear()
    assert hub.read(open_) == (path, DATA) and server.log == []


def test_a_hash_that_the_hub_does_not_give(server):
    revision = server.commit(REPO, {"weights.txt": b"small files have git's hash"})
    assert "gives no SHA-256 for it" in complaint(hub.read, HubSource(REPO, revision, "weights.txt"))


def test_files_that_another_program_fetched_are_verified_by_the_caches_names(server, small):
    hub.download(REPO, PATH, "main")
    server.down()
    path, data = hub.read(HubSource(REPO, "main", PATH))
    assert data == DATA and small.revision in path.parts
    path.resolve().write_bytes(b"?")
    assert "cannot be reached" in complaint(hub.read, HubSource(REPO, "main", PATH, small.sha256, 5))


@pytest.mark.parametrize(
    "change",
    [
        {"repo": "resnet18"},
        {"repo": None},
        {"path": "../model.safetensors"},
        {"path": "/etc/passwd"},
        {"revision": ""},
        {"sha256": "12"},
        {"bytes": "many"},
        {"format": "pickle"},
    ],
)
def test_an_index_with_a_source_that_is_none(tmp_path, monkeypatch, change):
    source = {"repo": REPO, "revision": "a" * 40, "path": PATH, **change}
    index(tmp_path, monkeypatch, {"task": "flowers102", "depth": 18, "hub": source})
    assert "is not a list of checkpoints" in complaint(checkpoints.entries)


# Another repository


def test_another_repository_by_environment(server, tmp_path, monkeypatch, layout, capsys):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "nothing"))
    revision = server.commit("they/other", layout)
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "they/other")
    monkeypatch.setenv("RESNET_DEMO_HUB_REVISION", revision)
    assert resnet_demo.available() == {"flowers102": [18]}
    assert set(server.paths()) == {f"/they/other/resolve/{revision}/index.json"}
    entry = checkpoints.find("flowers102", 18)
    assert entry.is_remote and not entry.is_cached and checkpoints.spec("flowers102") == tiny.FLOWERS
    assert checkpoints.load("flowers102", 18).path.is_relative_to(server.cache / "models--they--other")
    server.down()
    checkpoints.load("flowers102", 18)
    assert entry.is_cached and capsys.readouterr().err == ""


def test_another_repositorys_branch_is_resolved_once_and_said(server, tmp_path, monkeypatch, layout, capsys):
    revision = server.commit("they/other", layout)
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "they/other")
    checkpoints.load("flowers102", 18)
    checkpoints.entries()
    assert capsys.readouterr().err.count(f"they/other at main is {revision}") == 1
    assert sum(path.startswith("/api/models/") for path in server.paths()) == 1
    hub.resolve.cache_clear()
    server.down()
    checkpoints.load("flowers102", 18)
    said = capsys.readouterr().err
    assert (
        f"cannot be reached: check the network and try again. Going on with the one that was used last, {revision}"
        in said
    )


def test_another_repository_that_is_not_there(server, monkeypatch):
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "they/nothing")
    assert "Cannot look up they/nothing at main, the repository does not exist" in complaint(checkpoints.entries)
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "nonsense")
    assert "RESNET_DEMO_HUB_REPO must be a repository" in complaint(checkpoints.entries)


def test_another_repository_without_an_index(server, monkeypatch):
    server.commit("they/other", {"README.md": b"Hello"})
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", "they/other")
    assert "no such file" in complaint(checkpoints.entries, kind=hub.NoSuchFile)


# timm's checkpoints


def test_the_bundled_index_has_imagenet_at_every_depth(monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    entries = [entry for entry in checkpoints.entries() if entry.task == "imagenet1k"]
    assert [entry.depth for entry in entries] == list(DEPTHS)
    for entry in entries:
        assert 40e6 < entry.size < 250e6 or not entry.is_remote
        source = entry.hub
        pinned = hub.COMMIT.fullmatch(source.revision) and source.sha256
        assert source.format == "timm" and source.note
        assert pinned or "the first revision that is seen is kept" in source.note


def test_metrics_are_not_those_of_other_weights(tmp_path, monkeypatch):
    mine = {"file": "a/model.safetensors", "config": "a/config.json", "bytes": 9, "sha256": "c" * 64}
    source = HubSource(REPO, "a" * 40, PATH, "b" * 64, 12)
    index(tmp_path, monkeypatch, {**record(source), **mine, "metrics": {"top1": {"value": 90.0}}})
    entry = checkpoints.find("flowers102", 18)
    assert (entry.is_remote, entry.bytes, entry.sha256, entry.metrics) == (True, 12, "b" * 64, {})


@pytest.fixture
def timm(server, tmp_path, monkeypatch, timm_state):
    """A function: configuration and state → the sentence or the checkpoint of imagenet1k at depth 18."""

    def listed(config: dict = TIMM, state: dict[str, np.ndarray] = timm_state) -> HubSource:
        data = serialise(state)
        files = {"config.json": json.dumps(config).encode(), "model.safetensors": data}
        revision = server.commit("timm/resnet18.tv_in1k", files)
        digest = hashlib.sha256(data).hexdigest()
        source = HubSource("timm/resnet18.tv_in1k", revision, "model.safetensors", digest, len(data), "timm")
        index(tmp_path, monkeypatch, record(source, "imagenet1k", metrics={"top1": {"value": 69.8}}))
        return source

    return listed


def test_a_checkpoint_of_timms(timm, timm_state, server):
    timm()
    spec = checkpoints.spec("imagenet1k")
    assert [path for path in server.paths("GET") if path.startswith("/cdn/")] == []
    checkpoint = checkpoints.load("imagenet1k", 18)
    assert checkpoint.spec == spec and (checkpoint.depth, checkpoint.variant) == (18, "v1.5")
    assert spec.labels == names() and len(spec.labels) == 1000 and spec.kind == "classification"
    assert (spec.size, spec.resize, spec.interpolation) == (224, 256, "bilinear")
    assert (spec.mean, spec.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert checkpoint.metrics == {"top1": checkpoints.Metric(69.8)}
    state = checkpoint.state
    assert state.keys() == {key for key in timm_state if not key.endswith("num_batches_tracked")}
    for key, value in state.items():
        assert value.dtype == np.float32 and np.array_equal(value, timm_state[key])


@pytest.mark.parametrize(("size", "crop", "resize"), [(224, 0.95, 235), (224, 0.875, 256), (288, 1.0, 288)])
def test_the_resize_is_rounded_down_as_timm_does(size, crop, resize):
    from resnet_demo.checkpoints.timm import convert_config

    cfg = {**TIMM["pretrained_cfg"], "input_size": [3, size, size], "crop_pct": crop}
    assert convert_config(checkpoints.Config({"architecture": "resnet18", **cfg}, "here")).task.resize == resize


def test_timms_checkpoint_predicts_as_torchvisions_network(timm, timm_state, monkeypatch):
    import torch
    from torchvision.models import resnet18

    from resnet_demo import tasks
    from resnet_demo.backends import devices
    from resnet_demo.inference import predictor

    cfg = {**TIMM["pretrained_cfg"], "input_size": [3, 64, 64], "interpolation": "bicubic", "crop_pct": 0.95}
    timm({"architecture": "resnet18", **cfg})
    monkeypatch.setattr(predictor, "_loaded", {})
    monkeypatch.setattr(devices, "may_have_cuda", lambda: False)
    found = resnet_demo.load("imagenet1k", 18, "reference")
    assert (found.spec.size, found.spec.resize, found.spec.interpolation) == (64, 67, "bicubic")
    network = resnet18()
    network.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in timm_state.items()})
    photo = tiny.photo(320, 260)
    picture, _ = tasks.preprocess(found.spec, photo)
    blurred, _ = tasks.preprocess(tasks.TaskSpec("x", "classification", size=64, resize=67), photo)
    assert not np.array_equal(picture, blurred)
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(tasks.normalise(found.spec, picture[None])))[0]
    expected = logits.softmax(0).numpy()
    np.testing.assert_allclose(found(photo, top_k=1).probabilities, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"architecture": "resnet50t"}, "another network or task"),
        ({"num_classes": 11821}, "another network or task"),
        ({"interpolation": "random"}, "another network or task"),
        ({"crop_pct": None}, "no configuration of timm's"),
        ({"mean": [0.5]}, "another network or task"),
    ],
)
def test_timm_configurations_of_something_else(change, sentence):
    from resnet_demo.checkpoints.timm import convert_config

    flat = {"architecture": "resnet18", **TIMM["pretrained_cfg"]}
    assert sentence in complaint(convert_config, checkpoints.Config({**flat, **change}))


def test_an_export_of_ours_in_timms_shape_keeps_its_own_task(server, tmp_path, monkeypatch, layout):
    config = json.loads(layout["flowers102/resnet18/config.json"]) | {"variant": "v1", "pretrained_cfg": {}}
    files = {"config.json": json.dumps(config).encode(), "model.safetensors": layout[PATH]}
    revision = server.commit("you/exported", files)
    source = HubSource("you/exported", revision, "model.safetensors", sha256(layout[PATH]), format="timm")
    index(tmp_path, monkeypatch, record(source))
    checkpoint = checkpoints.load("flowers102", 18)
    assert (checkpoint.spec, checkpoint.variant) == (tiny.FLOWERS, "v1")


def test_timm_weights_with_a_missing_and_an_extra_key(timm, timm_state):
    state = dict(timm_state)
    state["head.weight"] = state.pop("fc.weight")
    timm(TIMM, state)
    message = complaint(checkpoints.load, "imagenet1k", 18)
    assert "missing are fc.weight; unexpected are head.weight" in message


# --- Training from the Hub's networks ---------------------------------------------------------------------------------


def test_init_hub_begins_with_what_the_hub_has(server, tmp_path, monkeypatch, timm_state):
    from resnet_demo.models.architecture import architecture_of
    from resnet_demo.training.networks.init import hub_state, scaling_of, starting_network

    data = serialise(timm_state)
    files = {"config.json": json.dumps(TIMM).encode(), "model.safetensors": data}
    revision = server.commit("timm/resnet18.tv_in1k", files)
    source = HubSource("timm/resnet18.tv_in1k", revision, "model.safetensors", sha256(data), len(data), "timm")
    index(tmp_path, monkeypatch, record(source, "imagenet1k"))
    network = starting_network("hub", architecture_of(18), tiny.FLOWERS)
    np.testing.assert_array_equal(network.layer4[1].conv2.weight.detach().numpy(), timm_state["layer4.1.conv2.weight"])
    assert network.fc.out_features == 4
    server.log.clear()
    state, variant = hub_state(architecture_of(18))
    assert variant == network.variant and (state["conv1.weight"] == timm_state["conv1.weight"]).all()
    assert scaling_of("hub", architecture_of(18)) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert server.log == []  # the second training makes no request
