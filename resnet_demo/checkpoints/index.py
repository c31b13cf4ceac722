"""The index: which checkpoints there are, and where each of them lies."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from resnet_demo.checkpoints import hub
from resnet_demo.checkpoints.checkpoint import Checkpoint, build, load_files, load_folder
from resnet_demo.checkpoints.config import Config, read_config, read_config_file
from resnet_demo.checkpoints.files import CONFIG, INDEX, MODEL
from resnet_demo.checkpoints.hub import HubSource
from resnet_demo.checkpoints.index_file import checked, has_index, locked, put, read_index
from resnet_demo.checkpoints.index_record import IndexRecord
from resnet_demo.checkpoints.records import Metrics, Trunk, WeightsFile
from resnet_demo.errors import Text, UserError
from resnet_demo.models.architecture import ARCHITECTURES, DEPTHS, Architecture
from resnet_demo.models.state import expected_shapes
from resnet_demo.tasks import TaskSpec
from resnet_demo.utils.json_record import as_json

PACKAGE = Path(__file__).resolve().parents[1]
# Where the wheel has the index; in a clone there is no such folder.
INSTALLED = PACKAGE / "weights"


@dataclass(frozen=True)
class Entry:
    """One line of ``index.json``.

    Attributes:
        task, depth: what the checkpoint is for.
        path: the weights file; where it would lie, if it is only on the Hub.
        config: its ``config.json``, likewise.
        bytes, sha256: what the weights file must be; None where only the Hub knows.
        metrics: measured accuracy.
        hub: the source on the Hugging Face Hub, or None.
        other_index: the index is another repository's, so nothing is bundled.
        trunk: the file with all but the head, where the weights file has the head alone.
    """

    task: str
    depth: int
    path: Path
    config: Path
    bytes: int | None
    sha256: str | None
    metrics: Metrics
    hub: HubSource | None = None
    other_index: bool = False
    trunk: Trunk | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it comes from the Hub, through its cache: there is a source, and no bundled file."""
        return self.hub is not None and (self.other_index or not os.path.lexists(self.path))

    @property
    def remote(self) -> HubSource | None:
        """The source, where the weights come from there."""
        return self.hub if self.is_remote else None

    @property
    def is_cached(self) -> bool:
        """Whether it loads without a download."""
        source = self.remote
        if not source:
            return self.path.is_file()
        if not self.trunk:
            return hub.cached(source) is not None
        try:
            return all(hub.cached(file) for file in (source, trunk_source(source, self.trunk)))
        except UserError:
            return False  # Loading it says why.

    @property
    def size(self) -> int:
        """Bytes of the weights file; those of timm's float32 arrays alone where the Hub's size is not known yet."""
        if self.bytes is not None:
            return self.bytes + (self.trunk.bytes if self.trunk else 0)
        network = next((record for record in ARCHITECTURES.values() if record.depth == self.depth), None)
        return 4 * sum(math.prod(shape) for shape in expected_shapes(network, 1000).values()) if network else 0

    @property
    def key(self) -> tuple:
        """What changes when other weights are to be loaded."""
        source, trunk = self.remote, self.trunk and self.trunk.sha256
        return (self.path, self.sha256, trunk, source and (source.repo, source.revision, source.sha256))


def weights_folder() -> Path:
    """The folder with ``index.json``: ``RESNET_DEMO_WEIGHTS``, else ``weights`` beside the package, as in a clone, else
    that of an installed package, which has the index alone."""
    if chosen := os.environ.get("RESNET_DEMO_WEIGHTS"):
        return Path(chosen)
    beside = PACKAGE.parent / "weights"
    # An installed package lies among others, any of which may have that name.
    return INSTALLED if (INSTALLED / INDEX).is_file() and not (beside / INDEX).is_file() else beside


def entries() -> list[Entry]:
    """All checkpoints, by task and depth: those of ``index.json``, or of the repository ``RESNET_DEMO_HUB_REPO``.

    Raises:
        UserError: the index is missing or broken, or cannot be fetched.
    """
    if chosen := hub.chosen_repo():
        return _entries_of(*chosen)
    root = weights_folder()
    return [_entry(root, record) for record in read_index(root)]


def bundled() -> list[Entry]:
    """The checkpoints whose weights lie in ``weights_folder()``, by task and depth.

    Raises:
        UserError: the index is missing or broken.
    """
    root = weights_folder()
    return [entry for entry in (_entry(root, record) for record in read_index(root)) if not entry.is_remote]


def own_tasks() -> set[str]:
    """The tasks in ``weights_folder()`` that were trained on the user's own pictures, which are nobody else's business.

    Raises:
        UserError: the index or a configuration is broken.
    """
    root = weights_folder()
    listed = [_entry(root, record) for record in read_index(root)]
    # A checkpoint on the Hub needs no configuration here.
    return {entry.task for entry in listed if entry.config.is_file() and read_config(entry.config.parent).is_own}


def available() -> dict[str, list[int]]:
    """Task name → depths that have a checkpoint, ascending; on the Hub or here.

    Raises:
        UserError: the index is missing or broken.
    """
    depths: dict[str, list[int]] = {}
    for listed in entries() if hub.chosen_repo() else read_index(weights_folder()):
        depths.setdefault(listed.task, []).append(listed.depth)
    return depths


def find(task: str, depth: int) -> Entry:
    """The index entry of a task and depth.

    Raises:
        UserError: no such task, or no checkpoint of this depth yet; the sentence names what there is.
    """
    if not hub.chosen_repo():
        # The page asks at every event, and each entry looks for its file: only the one that is wanted.
        root = weights_folder()
        if record := next((one for one in read_index(root) if one.key == (task, depth)), None):
            return _entry(root, record)
    known = entries()
    depths = [entry.depth for entry in known if entry.task == task]
    if not depths:
        tasks = sorted({entry.task for entry in known})
        train = "train one with `python -m resnet_demo train`"
        advice = Text("choose {tasks}", tasks=_either(tasks)) if tasks else train
        raise UserError("There are no weights for the task {task!r}: {advice}.", task=task, advice=advice)
    for entry in known:
        if (entry.task, entry.depth) == (task, depth):
            return entry
    if depth not in DEPTHS:
        raise UserError("There is no ResNet-{depth}: choose {depths}.", depth=depth, depths=_either(depths))
    raise UserError(
        "There is no ResNet-{depth} for {task} yet: choose {depths}.", depth=depth, task=task, depths=_either(depths)
    )


def load(task: str, depth: int, progress: hub.Progress | None = None) -> Checkpoint:
    """The checkpoint of a task and depth, verified; downloaded where it is not on this machine.

    Args:
        progress: called with the bytes that have come and those there are, while it is downloaded.

    Raises:
        UserError: there is none, its files are missing, damaged or do not fit, or the Hub does not give them.
    """
    return load_entry(find(task, depth), progress)


def load_entry(entry: Entry, progress: hub.Progress | None = None) -> Checkpoint:
    """The checkpoint of an entry; size and hash are checked before anything is read from it.

    A bundled file that is there but damaged is an error, so that nobody unknowingly uses other weights.

    Raises:
        UserError: its files are missing, damaged or do not fit, or the Hub does not give them.
    """
    source = entry.remote
    if not source:
        check_installed(entry)
        return load_files(entry.path, read_config_file(entry.config), WeightsFile(entry.bytes, entry.sha256))
    # A head is there at once: it would only run the bar of the network's download through a first time.
    path, data = hub.read(source, None if entry.trunk else progress)
    config = hub_config(source)
    trunk = hub.read(trunk_source(source, config.trunk), progress)[1] if config.trunk else None
    checkpoint = build(data, path, config, str(source), trunk)
    if (checkpoint.spec.name, checkpoint.depth) != (entry.task, entry.depth):
        raise UserError(
            "{source} is a ResNet-{depth} for {task}, not a ResNet-{wanted} for {other}: correct the index.",
            source=source,
            depth=checkpoint.depth,
            task=checkpoint.spec.name,
            wanted=entry.depth,
            other=entry.task,
        )
    return replace(checkpoint, metrics=entry.metrics or checkpoint.metrics)


def check_installed(entry: Entry) -> None:
    """Raise a UserError where the package was installed without weights, and the index names no source on the Hub."""
    if entry.path.is_relative_to(INSTALLED) and not entry.config.is_file():
        raise UserError(
            "The weights of the ResNet-{depth} for {task} are not on this machine: let RESNET_DEMO_WEIGHTS name "
            "the folder weights of a clone of the project, or {variable} a repository on the Hub that has them.",
            depth=entry.depth,
            task=entry.task,
            variable=hub.REPO,
        )


def spec(task: str) -> TaskSpec:
    """What a task is, from the configuration of its first checkpoint on this machine; weights are not fetched.

    Where there is none yet, a configuration (some kB) is fetched from the Hub.

    Raises:
        UserError: there is no such task, or its configuration cannot be read.
    """
    known = [entry for entry in entries() if entry.task == task]
    if not known:
        find(task, DEPTHS[0])
    here = (entry for entry in known if not entry.is_remote and entry.config.is_file())
    cached = (entry for entry in known if entry.is_cached)
    return spec_of(next(here, None) or next(cached, known[0]))


def spec_of(entry: Entry) -> TaskSpec:
    """What the task of a checkpoint is, from its configuration, which may be fetched from the Hub.

    Raises:
        UserError: the configuration cannot be read.
    """
    if source := entry.remote:
        return hub_config(source).task
    check_installed(entry)
    return read_config_file(entry.config).task


def network_of(entry: Entry) -> Architecture | None:
    """The network of a checkpoint; None where its configuration is not on this machine.

    Raises:
        UserError: the configuration is broken.
    """
    if source := entry.remote:
        beside = replace(source, path=source.beside(CONFIG))
        return hub_config(source).architecture if entry.is_cached and hub.cached(beside) else None
    return read_config_file(entry.config).architecture if entry.config.is_file() else None


def check_one_network(task: str, network: Architecture) -> None:
    """Raise a UserError where a task has weights of this depth that are another network's: the index calls checkpoints
    by task and depth, so that the new one would take the other's place."""
    root = weights_folder()
    for record in read_index(root) if has_index(root) else []:
        there = network_of(_entry(root, record)) if record.key == (task, network.depth) else None
        if there and there.name != network.name:
            raise UserError(
                "{task} has weights of a {there} already, and can have one network of depth {depth}: choose another "
                "--name for the {network}, or let RESNET_DEMO_WEIGHTS name another folder.",
                task=task,
                there=there.title,
                depth=network.depth,
                network=network.title,
            )


def check_writable() -> None:
    """Raise a UserError where checkpoints would be written into an installed package, which an update replaces."""
    if weights_folder() == INSTALLED:
        raise UserError("Let RESNET_DEMO_WEIGHTS name a folder for the checkpoints that you make, and run this again.")


def register(folder: str | Path, hub: HubSource | None = None) -> Entry:
    """(Re)write the index entry of a checkpoint that lies inside ``weights_folder()``; safe beside other processes.

    The project's tasks are listed in ``index.json``, all others in ``own.json``, which git ignores.

    Args:
        folder: the checkpoint's.
        hub: its source on the Hub; None keeps the one it had, unless that was a copy of other weights than these.

    Raises:
        UserError: the checkpoint lies elsewhere or does not load, or the index is broken.
    """
    check_writable()
    root, folder = weights_folder().resolve(), Path(folder).resolve()
    if not folder.is_relative_to(root):
        raise UserError(
            "{folder} is not inside {root}: save the checkpoint there before registering it.", folder=folder, root=root
        )
    made = index_record(root, folder).changed(hub=as_json(hub))
    with locked(root):
        for other in read_index(root) if has_index(root) else []:
            copied = other.hub is not None and other.hub.sha256 == other.sha256 != made.sha256
            if other.key == made.key and hub is None and not copied:
                made = made.changed(hub=other.record.get("hub"))
        put(root, made)
    return _entry(root, made)


def index_record(root: Path, folder: Path) -> IndexRecord:
    """What the index in ``root`` says of a checkpoint in a folder inside it, or in ``root`` itself.

    Raises:
        UserError: the checkpoint does not load.
    """
    checkpoint, config = load_folder(folder), read_config(folder)
    return IndexRecord.from_json(
        {
            "task": checkpoint.spec.name,
            "depth": checkpoint.depth,
            "file": (folder / MODEL).relative_to(root).as_posix(),
            "bytes": (folder / MODEL).stat().st_size,
            "sha256": hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
            "config": (folder / CONFIG).relative_to(root).as_posix(),
            "metrics": config.record.get("metrics") or {},
            "hub": None,
            **({"trunk": as_json(config.trunk)} if config.trunk else {}),
        }
    )


def trunk_source(source: HubSource, trunk: Trunk) -> HubSource:
    """Where on the Hub the trunk of a weights file lies.

    Raises:
        UserError: outside of the repository.
    """
    path = trunk.path_from(source.folder)
    if path.startswith("../"):
        raise UserError(
            "{source} needs {path}, which is outside of its repository: correct its configuration.",
            source=source,
            path=path,
        )
    return replace(source, path=path, sha256=trunk.sha256, bytes=trunk.bytes)


def hub_config(source: HubSource) -> Config:
    """The configuration beside a weights file on the Hub, in our own words.

    Raises:
        UserError: it cannot be had, or it is of something else.
    """
    record = hub.read_json(source.repo, hub.commit_of(source), source.beside(CONFIG))
    config = Config(record, f"{source.repo}/{source.beside(CONFIG)}")
    if source.format == "timm" and "task" not in record:  # Our own exports have both.
        from resnet_demo.checkpoints.timm import convert_config

        return convert_config(config)
    return config


def _entries_of(repo: str, revision: str) -> list[Entry]:
    """The checkpoints in the index of a repository on the Hub; files that lie beside it come from there."""
    listed = checked(hub.read_json(repo, revision, INDEX), f"{repo}/{INDEX}")
    # Where huggingface_hub would put them: the paths only tell one checkpoint from another.
    root = Path(repo, revision)
    found = []
    for record in listed:
        if record.file:
            record = record.changed(hub=HubSource(repo, revision, record.file, record.sha256, record.bytes))
        found.append(replace(_entry(root, record), other_index=True))
    return found


def _entry(root: Path, record: IndexRecord) -> Entry:
    """An entry; where the file is not there, size and hash are those of the source, which may have other weights."""
    folder = f"{record.task}/resnet{record.depth}"
    path = root / (record.file or f"{folder}/{MODEL}")
    wanted = record if record.hub is None or os.path.lexists(path) else record.hub
    other = record.sha256 not in (None, wanted.sha256)
    return Entry(
        task=record.task,
        depth=record.depth,
        path=path,
        config=root / (record.config or f"{folder}/{CONFIG}"),
        bytes=wanted.bytes,
        sha256=wanted.sha256,
        metrics={} if other else record.metrics,
        hub=record.hub,
        trunk=None if other else record.trunk,
    )


def _either(choices: list) -> Text:
    """1, 2 or 3."""
    *first, last = choices
    return Text("{first} or {last}", first=first, last=last) if first else Text(str(last))
