"""``python -m resnet_demo publish`` with the real client, against the tests' own Hub."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import yaml
from conftest import ROOT
from hub_server import Response
from hub_uploads import OTHER, READ, WRITE, Dropped, UploadServer

from resnet_demo import checkpoints
from resnet_demo.checkpoints import Config
from resnet_demo.cli.main import main
from resnet_demo.publish import files as publish_files
from resnet_demo.publish.weights import choose, index_for_hub, source, weights_files, without_paths
from resnet_demo.tasks import KEYPOINTS, TaskSpec
from resnet_demo.training.cards.card import model_card

pytestmark = pytest.mark.usefixtures("narrow")

REPO, SPACE = "you/weights", "you/demo"
POINTS = TaskSpec("faces68", KEYPOINTS, points=68, size=64, fit="squash")
PETS = TaskSpec("pets", "classification", labels=("cat", "dog"), size=64, resize=64)
COMMAND = "python -m resnet_demo train flowers102 --depth 18 --init imagenet --out runs/x"
METRICS = {"top1": {"value": 95.0, "low": 94.0, "high": 96.0, "n": 100.0}}
FACE_METRICS = {"nme_afw": {"value": 4.6, "n": 337.0}, "nme_udacity": {"value": 4.5, "n": 673.0}}


@pytest.fixture(scope="module")
def trained(narrow, tmp_path_factory) -> Path:
    """A weights folder: two tasks of the app, one of the user's own, a README.md."""
    root = tmp_path_factory.mktemp("trained") / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DEMO_WEIGHTS", str(root))
        for spec, metrics in ((tiny.FLOWERS, METRICS), (POINTS, FACE_METRICS), (PETS, METRICS)):
            own = {"counts": {"train": 8, "val": 2, "test": 2}, "split": "by seed", "skipped": 0, "classes": {}}
            extra = {"recipe": {"epochs": 1}, "commands": [COMMAND], **({"own": own} if spec is PETS else {})}
            folder = root / spec.name / "resnet18"
            state = tiny.random_state(18, spec.outputs)
            checkpoints.save(folder, state, spec, 18, "v1", metrics, extra=extra)
            (folder / "README.md").write_text(model_card(checkpoints.read_config(folder)), encoding="utf-8")
            checkpoints.register(folder)
    (root / "README.md").write_text("# The bundled weights\n\n| pets | 18 | secret |\n", encoding="utf-8")
    return root


@pytest.fixture
def weights(trained, tmp_path, monkeypatch) -> Path:
    """A copy of the folder, for a test to change."""
    import shutil

    root = Path(shutil.copytree(trained, tmp_path / "weights"))
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(root))
    return root


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with UploadServer(tmp_path / "hub") as server:
        server.patch(monkeypatch)
        monkeypatch.setenv("HF_TOKEN", WRITE)
        yield server


def index(root: Path) -> dict[str, dict]:
    """Task → record."""
    files = [json.loads((root / name).read_text())["checkpoints"] for name in ("index.json", "own.json")]
    return {record["task"]: record for records in files for record in records}


def refused(capfd, *arguments: str) -> str:
    """The one line of a run that ends with status 2."""
    assert main(["publish", *arguments]) == 2
    progress = r"%|B/s|it/s|New Data|Processing|Retrying|thrown while|^\s*$"  # of the Hub's client
    lines = [line for line in capfd.readouterr().err.splitlines() if not re.search(progress, line)]
    assert len(lines) == 1, lines
    return lines[-1]


def head_of(data: bytes) -> dict:
    return yaml.safe_load(data.decode().split("---\n")[1])


def test_a_dry_run_lists_everything_without_token_or_network(weights, monkeypatch, capsys):
    import socket

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a dry run needs no network"))
    before = (weights / "index.json").read_bytes()
    assert main(["publish", "--repo-id", REPO, "--space", SPACE, "--dry-run"]) == 0
    out = capsys.readouterr().out
    for part in out.split("The Space")[0], out.split("The Space")[1]:
        rows = [(int(size.replace(",", "")), path) for size, path in re.findall(r"^ *([\d,]+)  (\S+)", part, re.M)]
        *files, (total, _) = rows
        assert sum(size for size, _ in files) == total
    size = index(weights)["flowers102"]["bytes"]
    assert f"{size:>13,}  flowers102/resnet18/model.safetensors" in out
    assert "weights/flowers102/resnet18/config.json" in out
    assert "weights/flowers102/resnet18/model.safetensors" not in out
    assert "Left out pets" in out and "pets/" not in out
    assert (weights / "index.json").read_bytes() == before


def test_what_was_published_can_be_pulled_and_a_second_run_sends_nothing(weights, hub, monkeypatch, capsys):
    from huggingface_hub import hf_hub_download

    assert main(["publish", "--repo-id", REPO, "--private"]) == 0
    files, revision = hub.head(REPO), hub.refs[REPO]["main"]
    assert revision in capsys.readouterr().out
    assert REPO in hub.private
    path = "flowers102/resnet18/model.safetensors"
    pulled = Path(hf_hub_download(REPO, path, revision=revision))
    assert pulled.read_bytes() == (weights / path).read_bytes()
    for name in (path, "flowers102/resnet18/config.json", "flowers102/resnet18/README.md"):
        assert files[name] == (weights / name).read_bytes()
    records = index(weights)
    assert records["flowers102"]["hub"] == {
        "repo": REPO,
        "revision": revision,
        "path": path,
        "sha256": hashlib.sha256(pulled.read_bytes()).hexdigest(),
        "bytes": pulled.stat().st_size,
        "format": "resnet-demo",
    }
    assert records["pets"]["hub"] is None
    assert all("pets" not in name for name in files)
    assert b"pets" not in files["README.md"] and b"pets" not in files["index.json"]

    local = (weights / "index.json").read_bytes()
    hub.log.clear()
    assert main(["publish", "--repo-id", REPO]) == 0
    assert hub.writes() == ["/api/repos/create"]
    assert "already" in capsys.readouterr().out
    assert hub.refs[REPO]["main"] == revision
    assert (weights / "index.json").read_bytes() == local

    # The app itself, of another machine that has none of these files.
    monkeypatch.setenv("RESNET_DEMO_HUB_REPO", REPO)
    monkeypatch.setenv("RESNET_DEMO_HUB_REVISION", revision)
    assert checkpoints.available() == {"faces68": [18], "flowers102": [18]}
    there = checkpoints.load("flowers102", 18)
    monkeypatch.delenv("RESNET_DEMO_HUB_REPO")
    here = checkpoints.load("flowers102", 18)
    assert all((there.stored[key] == here.stored[key]).all() for key in here.stored)


def test_an_endpoints_code_goes_with_the_weights_and_what_it_no_longer_has_is_removed(weights, hub, capsys):
    assert main(["publish", "--repo-id", REPO, "--endpoint"]) == 0
    files = hub.head(REPO)
    assert b"import EndpointHandler" in files["handler.py"] and b"openvino" in files["requirements.txt"]
    assert {"resnet_demo/endpoint.py", "resnet_demo/faces/centerface.onnx", "index.json"} <= set(files)
    hub.commit(REPO, files | {"resnet_demo/old.py": b"", "mine.txt": b""})
    assert main(["publish", "--repo-id", REPO, "--endpoint"]) == 0
    assert hub.head(REPO).keys() == files.keys() | {"mine.txt"}


def test_only_what_changed_is_sent(weights, hub, capsys):
    main(["publish", "--repo-id", REPO])
    (weights / "flowers102" / "resnet18" / "README.md").write_text("---\nlicense: other\n---\n# New\n")
    hub.log.clear()
    assert main(["publish", "--repo-id", REPO]) == 0
    assert "Sent 1 files" in capsys.readouterr().out
    assert hub.head(REPO)["flowers102/resnet18/README.md"].endswith(b"# New\n")
    assert not any(path.startswith("/lfs/") for path in hub.paths())


def test_own_tasks_go_only_when_named(weights, hub):
    assert main(["publish", "--repo-id", REPO, "--tasks", "pets"]) == 0
    files = hub.head(REPO)
    assert "pets/resnet18/model.safetensors" in files
    assert not any(name.startswith(("flowers", "faces")) for name in files)
    assert [record["task"] for record in json.loads(files["index.json"])["checkpoints"]] == ["pets"]
    assert main(["publish", "--repo-id", "friends/all", "--all-tasks"]) == 0
    assert "| pets | 18 | secret |" in hub.head("friends/all")["README.md"].decode()


def test_records_that_are_only_on_the_hub_keep_their_source(weights, hub):
    other = {"repo": "timm/resnet34.tv_in1k", "revision": "c" * 40, "path": "model.safetensors", "format": "timm"}
    listing = json.loads((weights / "index.json").read_text())
    empty = dict.fromkeys(("file", "config", "bytes", "sha256"))
    listing["checkpoints"].append({"task": "imagenet1k", "depth": 34, **empty, "metrics": {}, "hub": other})
    (weights / "index.json").write_text(json.dumps(listing))
    assert main(["publish", "--repo-id", REPO]) == 0
    sent = {record["task"]: record for record in json.loads(hub.head(REPO)["index.json"])["checkpoints"]}
    assert sent["imagenet1k"]["hub"] == other
    assert sent["imagenet1k"]["file"] is None
    assert sent["flowers102"]["hub"] is None
    assert index(weights)["imagenet1k"]["hub"] == other


def test_an_interrupted_upload_is_finished_by_the_second_run(weights, hub, capfd):
    done, cut = (index(weights)[task]["sha256"] for task in ("faces68", "flowers102"))
    hub.drop(f"/lfs/{cut}")
    line = refused(capfd, "--repo-id", REPO)
    assert "connection" in line and "Run the same command again" in line and f"{REPO} is there, with 0 of" in line
    assert list(hub.head(REPO)) == [".gitattributes"]  # Nobody sees half of it.
    assert index(weights)["flowers102"]["hub"] is None
    hub.heal()
    hub.log.clear()
    assert done in hub.objects
    assert main(["publish", "--repo-id", REPO]) == 0
    assert hub.paths("PUT") == [f"/lfs/{cut}"]
    assert index(weights)["flowers102"]["hub"]["revision"] == hub.refs[REPO]["main"]


def test_a_commit_whose_answer_was_lost_is_found_by_the_second_run(weights, hub, capfd, monkeypatch):
    answer = hub.answer

    def lost(request):
        found = answer(request)
        if "/commit/" in request.path:
            raise Dropped
        return found

    monkeypatch.setattr(hub, "answer", lost)
    assert "connection" in refused(capfd, "--repo-id", REPO)
    monkeypatch.setattr(hub, "answer", answer)
    hub.log.clear()
    assert main(["publish", "--repo-id", REPO]) == 0
    assert hub.writes() == ["/api/repos/create"]
    assert index(weights)["faces68"]["hub"]["revision"] == hub.refs[REPO]["main"]


def test_no_network_no_token_no_right(weights, hub, capfd, monkeypatch):
    hub.down()
    assert "connection" in refused(capfd, "--repo-id", REPO)
    hub.up()
    assert "does not accept the token" in refused(capfd, "--repo-id", REPO, "--token", "hf_wrong")
    assert "may only read" in refused(capfd, "--repo-id", REPO, "--token", READ)
    assert "stranger/weights" in refused(capfd, "--repo-id", REPO, "--token", OTHER)
    assert "choose you/weights" in refused(capfd, "--repo-id", "strangers/weights")
    hub.fail(403, method="POST", path="/api/repos/create", message="This token has no right to create repositories.")
    line = refused(capfd, "--repo-id", REPO)
    assert "may not write to you/weights" in line and "no right to create" in line
    hub.heal()
    hub.fail(403, method="POST", path="/preupload/", message="Read only here.")
    line = refused(capfd, "--repo-id", REPO)
    assert "may not write" in line and "is there, with 0 of" in line
    hub.heal()
    hub.fail(409, method="POST", path="/commit/", message="A commit has happened since.")
    assert "Run the same command again" in refused(capfd, "--repo-id", REPO)
    hub.heal()
    hub.fail(429, path="/api/whoami-v2", Retry_After="40")
    assert "in 40 seconds" in refused(capfd, "--repo-id", REPO)
    hub.heal()
    hub.fail(500, method="POST", path="/commit/")
    assert "status 500" in refused(capfd, "--repo-id", REPO)
    hub.heal()
    monkeypatch.delenv("HF_TOKEN")
    assert "Publishing needs a token" in refused(capfd, "--repo-id", REPO)
    assert all(record["hub"] is None for record in index(weights).values())


def test_storage_of_large_files_that_fails(weights, hub, capfd, monkeypatch):
    """As ``hf_xet``, which sends large files to the real Hub, puts it; here it gets no further than its own token."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    line = refused(capfd, "--repo-id", REPO)
    assert "connection" in line and f"{REPO} is there, with 0 of" in line
    hub.fail(403, path="/xet-write-token/")
    assert f"may not write to {REPO}" in refused(capfd, "--repo-id", REPO)
    assert any("/xet-write-token/" in path for path in hub.paths())


def test_a_proxy_that_is_no_hub_and_offline_mode(weights, hub, capfd, monkeypatch):
    from huggingface_hub import constants

    with monkeypatch.context() as patch:
        patch.setattr(hub, "answer", lambda request: (Response(200, b"<html>Please log in to the WLAN</html>"), None))
        assert "is no Hub" in refused(capfd, "--repo-id", REPO)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused(capfd, "--repo-id", REPO)


def test_a_name_in_use_is_not_written_to(weights, hub, capfd):
    hub.commit(REPO, {"thesis.tex": b"years of work"})
    assert "taken" in refused(capfd, "--repo-id", REPO)
    hub.commit("you/open", {"index.json": b"{}"})
    assert "is public" in refused(capfd, "--repo-id", "you/open", "--private")
    hub.commit(f"spaces/{SPACE}", {"app.py": b"another app"})
    assert "taken" in refused(capfd, "--space", SPACE)
    assert [len(hub.repos[name]) for name in (REPO, "you/open", f"spaces/{SPACE}")] == [1, 1, 1]


def test_too_large_is_refused_before_anything_is_sent(weights, hub, capfd, monkeypatch):
    size = index(weights)["flowers102"]["bytes"]
    monkeypatch.setattr(publish_files, "MOST_FILE", size - 1)
    assert "model.safetensors has" in refused(capfd, "--repo-id", REPO)
    monkeypatch.setattr(publish_files, "MOST_FILE", size * 2)
    monkeypatch.setattr(publish_files, "MOST_ALL", size)
    assert "together" in refused(capfd, "--repo-id", REPO)
    assert hub.log == []


def test_files_that_the_index_does_not_describe_are_not_sent(weights, hub, capfd):
    path = weights / "flowers102" / "resnet18" / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    assert "is not the file that weights/index.json describes" in refused(capfd, "--repo-id", REPO)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "git lfs pull" in refused(capfd, "--repo-id", REPO)
    path.unlink()
    assert "which is not there" in refused(capfd, "--repo-id", REPO)
    path.write_bytes(whole)
    config = path.with_name("config.json")
    config.write_text(config.read_text().replace(index(weights)["flowers102"]["sha256"], "0" * 64))
    assert "describes other weights" in refused(capfd, "--repo-id", REPO)
    assert "tulips" in refused(capfd, "--repo-id", REPO, "--tasks", "tulips")
    assert "no weights at depth 34: choose of 18." in refused(capfd, "--repo-id", REPO, "--depths", "34")
    assert hub.log == []


def test_bad_orders(weights, capfd):
    assert "Say what to publish" in refused(capfd)
    assert "full name" in refused(capfd, "--repo-id", "weights")
    assert "full name" in refused(capfd, "--repo-id", "you/../x")
    assert "belong to a Space" in refused(capfd, "--repo-id", REPO, "--hardware", "t4-small")
    assert "MISSING has no value" in refused(capfd, "--space", SPACE, "--secret", "MISSING")
    assert "pass one of them" in refused(capfd, "--repo-id", REPO, "--all-tasks", "--tasks", "pets")


def test_a_space_with_weights_from_the_hub(weights, hub, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "from the environment")
    words = ["publish", "--repo-id", REPO, "--space", SPACE, "--hardware", "cpu-upgrade"]
    words += ["--secret", "HF_TOKEN=hf_x=y", "--secret", "SECRET"]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "hf_x" not in printed.out + printed.err and "from the environment" not in printed.out + printed.err
    revision, space = hub.refs[REPO]["main"], hub.spaces[SPACE]
    assert hub.sdks[SPACE] == "gradio"
    assert space.hardware == "cpu-upgrade"
    assert space.secrets == {"HF_TOKEN": "hf_x=y", "SECRET": "from the environment"}
    assert space.variables == {"RESNET_DEMO_HUB_REPO": REPO, "RESNET_DEMO_HUB_REVISION": revision}

    files = hub.head(f"spaces/{SPACE}")
    head = head_of(files["README.md"])
    assert head["sdk"] == "gradio" and head["app_file"] == "app.py" and head["models"] == [REPO]
    assert head["suggested_hardware"] == "cpu-upgrade" and b"torch" not in files["requirements.txt"].split(b"\n", 1)[1]
    assert head["thumbnail"].endswith(f"/spaces/{SPACE}/resolve/main/resnet_demo/page/preview.jpg")
    assert "resnet_demo/page/preview.jpg" in files
    (line,) = head["preload_from_hub"]
    repo, paths, pinned = line.split(" ")
    assert (repo, pinned) == (REPO, revision)
    assert set(paths.split(",")) <= set(hub.head(REPO))
    assert {"index.json", "faces68/resnet18/model.safetensors", "faces68/resnet18/config.json"} <= set(paths.split(","))
    assert not re.search(rb"!\[|these pictures", files["README.md"])
    assert b"## In Python\n\n```python\nimport resnet_demo" in files["README.md"]
    assert {"app.py", "requirements.txt", "resnet_demo/faces/centerface.onnx"} <= set(files)
    for name in files:
        assert not re.search(r"^(tests|\.ci|runs)/|Makefile|/bench/|/publish/|__pycache__|(^|/)pets(/|$)", name), name
        assert not name.startswith("docs/") or name.endswith(".md")
        assert not name.startswith("weights/") or name.endswith(".json")
    for record in json.loads(files["weights/index.json"])["checkpoints"]:
        assert record["hub"]["revision"] == revision
    check_documents(files)

    hub.log.clear()
    assert main(words[:7]) == 0
    assert hub.writes() == ["/api/repos/create", "/api/repos/create"]


def test_a_space_on_zerogpu_gets_the_python_and_pytorch_that_it_takes(weights, hub, capsys):
    assert main(["publish", "--space", SPACE, "--tasks", "flowers102", "--hardware", "zero-gpu"]) == 0
    assert hub.spaces[SPACE].hardware == "zero-a10g"
    files = hub.head(f"spaces/{SPACE}")
    head = head_of(files["README.md"])
    assert head["suggested_hardware"] == "zero-a10g" and head["python_version"] == "3.12.12"
    assert "models" not in head  # the weights are in the Space
    assert re.findall(rb"^torch.*", files["requirements.txt"], re.MULTILINE) == [b"torch>=2.8,<2.12"]
    # Without a word on the hardware it stays what it is.
    assert main(["publish", "--space", SPACE, "--tasks", "flowers102"]) == 0
    assert hub.spaces[SPACE].hardware == "zero-a10g" and hub.head(f"spaces/{SPACE}") == files


def test_a_new_space_is_for_a_cpu_and_installs_no_pytorch(weights, hub, capsys):
    assert main(["publish", "--space", SPACE, "--tasks", "flowers102", "--dry-run"]) == 0
    assert not hub.log
    assert main(["publish", "--space", SPACE, "--tasks", "flowers102"]) == 0
    files = hub.head(f"spaces/{SPACE}")
    assert head_of(files["README.md"])["suggested_hardware"] == hub.spaces[SPACE].hardware == "cpu-basic"
    listed = files["requirements.txt"].decode().split("\n", 1)[1]
    assert "torch" not in listed
    # The versions of the lock, so that it is the same when it is built again.
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    for line in listed.splitlines():
        assert "python_version" in line or line.replace("[mcp]", "") in locked, line
    assert "gradio[mcp]==" in listed
    assert main(["publish", "--space", SPACE, "--tasks", "flowers102", "--hardware", "t4-small"]) == 0
    assert b"\ntorch==" in hub.head(f"spaces/{SPACE}")["requirements.txt"]


def check_documents(files: dict[str, bytes]) -> None:
    """The README and what it leads to are there, without pictures, and every link leads to a file of the Space."""
    texts = {name: data.decode() for name, data in files.items() if name.endswith(".md") and "/examples/" not in name}
    assert {"README.md", "README.zh-CN.md", "docs/guide.md", "docs/guide.zh-CN.md", "docs/api.md"} <= texts.keys()
    for name, text in texts.items():
        assert "![" not in text, name
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target.partition("#")[0]))
            known = target.startswith(("#", "https://")) or path in files
            assert known, f"{name} leads to {target}"
    assert "[user guide](docs/guide.md)" in texts["README.md"]
    # The table of the bundled weights stays here, so its name is left without a link.
    assert "| the weights |" in texts["README.md"]
    assert "[`open_photo`](../resnet_demo/images/decode.py)" in texts["docs/architecture.md"]


def test_a_space_needs_the_present_weights_in_the_repository(weights, hub, capfd):
    line = refused(capfd, "--space", SPACE, "--weights-repo", REPO)
    assert f"publish --repo-id {REPO}" in line
    main(["publish", "--repo-id", REPO])
    capfd.readouterr()
    checkpoints.save(weights / "flowers102" / "resnet18", tiny.random_state(18, 4, 9), tiny.FLOWERS, 18, "v1", METRICS)
    checkpoints.register(weights / "flowers102" / "resnet18")
    assert "ResNet-18 for flowers102" in refused(capfd, "--space", SPACE, "--weights-repo", REPO)
    assert f"spaces/{SPACE}" not in hub.repos


@pytest.fixture
def recorded_weights(whole, tmp_path, monkeypatch) -> Path:
    """Networks with a record of their few channels, for other processes."""
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path / "weights"))
    return tiny.weights_folder(tmp_path / "weights", (tiny.FLOWERS, 18), (tiny.FACES, 18))


def test_a_space_with_its_own_weights_runs_and_is_tidied(recorded_weights, hub, tmp_path, capfd):
    assert main(["publish", "--space", SPACE]) == 0
    files = hub.head(f"spaces/{SPACE}")
    assert "preload_from_hub" not in head_of(files["README.md"])
    for path, data in files.items():
        (tmp_path / "space" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / path).write_bytes(data)
    # It has all that the page and a prediction import.
    code = (
        "import resnet_demo; from resnet_demo.page.app import build; build(); import resnet_demo.cli.main; "
        "print(resnet_demo.load('flowers102', 18)('resnet_demo/examples/dahlia.jpg').top_k[0].label)"
    )
    environment = hub.env(PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1")
    for name in ("RESNET_DEMO_WEIGHTS", "PYTHONPATH"):
        environment.pop(name, None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "space", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in tiny.FLOWERS.labels

    hub.commit(f"spaces/{SPACE}", {**files, "resnet_demo/old.py": b"", "notes.txt": b"the user's own"})
    assert main(["publish", "--repo-id", REPO]) == 0
    assert main(["publish", "--space", SPACE, "--weights-repo", REPO]) == 0
    files = hub.head(f"spaces/{SPACE}")
    assert "resnet_demo/old.py" not in files and "notes.txt" in files
    assert not any(name.endswith(".safetensors") for name in files)


def test_a_space_interrupted_after_its_creation_is_finished(weights, hub, capfd):
    hub.drop(f"/api/spaces/{SPACE}/commit/")
    line = refused(capfd, "--space", SPACE, "--hardware", "t4-small", "--secret", "A=b")
    assert f"the Space {SPACE} is there, with 0 of" in line and "Run the same command again" in line
    hub.heal()
    hub.fail(402, method="POST", path="/hardware", message="Payment required")
    line = refused(capfd, "--space", SPACE, "--hardware", "t4-small", "--secret", "A=b")
    assert "has all its files, but not the new hardware" in line
    assert "app.py" in hub.head(f"spaces/{SPACE}")
    hub.heal()
    assert main(["publish", "--space", SPACE, "--hardware", "t4-small", "--secret", "A=b"]) == 0
    assert hub.spaces[SPACE].hardware == "t4-small"


def test_cards_have_metadata_that_the_hub_reads(weights, hub):
    assert main(["publish", "--repo-id", REPO]) == 0
    for name in ("README.md", "flowers102/resnet18/README.md", "faces68/resnet18/README.md"):
        check_metadata(hub, name)
    assert "- `flowers102`: Oxford 102 Flowers" in hub.head(REPO)["LICENSE.md"].decode()


def check_metadata(hub: UploadServer, name: str) -> None:
    """What the Hub reads in a card."""
    from huggingface_hub import ModelCard

    card = ModelCard(hub.head(REPO)[name].decode(), ignore_metadata_errors=False)
    card.validate()
    assert card.data.license == "other" and card.data.license_name == "research-only"
    assert card.data.library_name == "resnet-demo"
    faces = name.startswith("faces")
    assert card.data.pipeline_tag == ("keypoint-detection" if faces else "image-classification")
    assert "ILSVRC/imagenet-1k" in card.data.datasets
    assert card.data.get("license_link") == ("LICENSE.md" if name == "README.md" else None)
    results = {
        (result.dataset_type, result.metric_type): result.metric_value for result in card.data.eval_results or ()
    }
    if name != "README.md":
        assert results == (
            {("afw", "nme"): 4.6, ("udacity", "nme"): 4.5} if faces else {("nelorth/oxford-flowers", "accuracy"): 95.0}
        )
    else:
        models = head_of(hub.head(REPO)[name])["model-index"]
        assert {model["name"] for model in models} == {"flowers102-resnet18", "faces68-resnet18"}
        assert {"accuracy", "nme"} == set(card.data.metrics)


def test_weights_that_began_on_the_hub_name_their_base_model():
    config = Config({"depth": 34, "variant": "v1.5", "task": tiny.FLOWERS.to_json(), "metrics": METRICS, "recipe": {}})
    began = config.changed(commands=["python -m resnet_demo train flowers102 --depth 34 --init hub --out runs/x"])
    assert head_of(model_card(began).encode())["base_model"] == ["timm/resnet34.tv_in1k"]
    assert "base_model" not in head_of(model_card(config.changed(commands=[COMMAND])).encode())


def test_a_card_of_an_own_task_claims_nothing_of_imagenet_and_names_no_folders(tmp_path):
    spec = dataclasses.replace(tiny.FLOWERS, name="pets")
    line = f"python -m resnet_demo train --data {tmp_path / 'my-pets'} --depth 18 --name pets --init imagenet"
    own = {"counts": {"train": 8, "val": 2, "test": 2}, "split": "by seed", "skipped": 0, "classes": {}}
    record = {"depth": 18, "variant": "v1.5", "task": spec.to_json(), "metrics": METRICS, "recipe": {}, "own": own}
    (tmp_path / "config.json").write_text(json.dumps(record | {"commands": [line]}))
    card = model_card(checkpoints.read_config(tmp_path))
    (tmp_path / "README.md").write_text(card)
    (model,) = head_of(card.encode())["model-index"]
    assert {result["dataset"]["type"] for result in model["results"]} == {"pets"}
    for name in ("config.json", "README.md"):
        sent = without_paths(tmp_path / name)
        assert str(tmp_path).encode() not in sent and b"--data my-pets --depth 18" in sent
        assert str(tmp_path) in (tmp_path / name).read_text()  # Here the commands must work.


def test_folders_in_any_command_of_a_configuration_stay_here(tmp_path):
    spec = dataclasses.replace(tiny.FLOWERS, name="pets")
    home = tmp_path / "home of acme"
    tasks = f"kind={home}/kinds.csv"
    lines = [f"python -m resnet_demo train --tasks '{tasks}' --depth 18", f"python -m resnet_demo x --data='{home}/y'"]
    made = {"inputs": {}, "pictures": 1, "of": "train", "command": f"python -m resnet_demo bundle '{home}/checkpoint'"}
    record = {"depth": 18, "task": spec.to_json(), "metrics": METRICS, "commands": lines, "ranges": made}
    record |= {"head": {"name": "kind", "first": 0, "outputs": 4, "tasks": [tasks]}, "note": "1,020 / 6,149 / 3"}
    (tmp_path / "config.json").write_text(json.dumps(record))
    sent = json.loads(without_paths(tmp_path / "config.json"))
    assert "home of acme" not in json.dumps(sent)
    assert sent["commands"][0].endswith("--tasks 'kind=kinds.csv' --depth 18") and sent["note"] == record["note"]
    assert sent["ranges"]["command"] == "python -m resnet_demo bundle 'checkpoint'"
    assert sent["head"]["tasks"] == ["kind=kinds.csv"]


def test_a_single_checkpoint_is_published_as_one_of_a_folder(weights, hub, monkeypatch):
    single = weights / "faces68" / "resnet18"
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(single))
    checkpoints.register(single)
    selection = choose(["faces68"])
    sent = {file.path for file in weights_files(selection, "you/faces")}
    assert {"faces68/resnet18/model.safetensors", "faces68/resnet18/config.json"} <= sent
    assert not any(path.startswith("./") for path in sent)
    (record,) = json.loads(index_for_hub(selection.records))["checkpoints"]
    assert record["file"] == "faces68/resnet18/model.safetensors"
    assert source(selection.records[0], "you/faces", "0" * 40).path == record["file"]


def test_every_bundled_card_can_be_read_by_the_hub():
    from huggingface_hub import ModelCard

    for path in sorted((ROOT / "weights").glob("*/*/config.json")):
        card = ModelCard(model_card(checkpoints.read_config(path.parent)), ignore_metadata_errors=False)
        assert card.data.pipeline_tag and card.data.eval_results, path
