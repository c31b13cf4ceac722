"""Shared fixtures. Real pictures come from ``RESNET_DEMO_DATA`` or ``../shared/data``; without that folder the shipped
photographs stand in for them, with seeded augmentation, and the run says so at its top."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image, ImageEnhance

from resnet_demo.models.architecture import Architecture

# Tests run side by side, one a core: PyTorch's threads would only wait for one another. Before anything imports it.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "resnet_demo" / "examples"
FLOWERS = ("dahlia", "marigold", "yellow-daisy")
FACES = ("astronaut", "president", "two-people")


# Files whose tests see the page from outside, or repeat many times what others run once: what they cover is not
# counted, as counting makes them slower by a third.
UNCOUNTED = (
    "browser/",
    "test_architecture",
    "test_bench",
    "test_damaged_files",
    "test_engine",
    "test_explain",
    "test_families",
    "test_gradcam",
    "test_layers",
    "test_odd_inputs",
    "test_photo_source",
    "test_ranges",
    "test_report",
    "test_stage_maps",
    "test_strings",
    "test_unusual_photos",
    "test_weights",
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The tests write gigabytes of checkpoints. Where there is memory for them they go there: a third of the trainings'
    time was the disk's."""
    memory = Path("/dev/shm")
    if hasattr(config, "workerinput") or config.option.basetemp or not memory.is_dir():
        return
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    if os.access(memory, os.W_OK) and min(shutil.disk_usage(memory).free, available) > 8e9:
        config.option.basetemp = tempfile.mkdtemp(prefix="resnet-demo-tests-", dir=memory)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """File by file, but for the browser tests: all go to one worker, as each would start the page's servers and a
    browser of its own."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    return Scheduling(config, log)


# Files that take longest come first (the browser's do anyway), so that neither worker ends long before the other.
LONG = ("test_weights", "test_training", "test_own", "test_serving", "test_setup", "test_zerogpu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.name.startswith(LONG))
    for item in items:
        if item.path.relative_to(ROOT / "tests").as_posix().startswith(UNCOUNTED):
            item.add_marker("no_cover")


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def data_folder() -> Path | None:
    """The folder of real data sets, or None."""
    folder = Path(os.environ.get("RESNET_DEMO_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "flowers102" / "labels.csv").is_file() else None


def pytest_report_header() -> str:
    if data_folder():
        return "real pictures: the data sets' test splits"
    return "real pictures: NO DATA SETS HERE, the shipped photographs with seeded augmentation stand in for them"


@dataclass(frozen=True)
class RealPicture:
    """A photograph, its label's name (flowers, None where unknown) or points (faces, None where unknown)."""

    photo: Image.Image
    label: str | None = None
    points: np.ndarray | None = None


def from_split(task: str, count: int) -> list[RealPicture]:
    """``count`` test pictures of a data set, evenly spread over it."""
    root = data_folder() / task
    table = "landmarks.csv" if task == "faces68" else "labels.csv"
    with (root / table).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    names = {}
    if task != "faces68":
        with (root / "classes.csv").open(encoding="utf-8", newline="") as file:
            names = {row["label"]: row["name"] for row in csv.DictReader(file)}
    pictures = []
    for index in np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int):
        row = rows[index]
        with Image.open(root / row["image"]) as image:
            photo = image.convert("RGB")
        points = None
        if task == "faces68":
            points = np.array([[float(row[f"x{k}"]), float(row[f"y{k}"])] for k in range(68)])
        pictures.append(RealPicture(photo, names.get(row.get("label")), points))
    return pictures


def from_examples(stems: tuple[str, ...], count: int) -> list[RealPicture]:
    """``count`` different views of the shipped photographs: cut, mirrored, turned a little, lit differently."""
    random = np.random.default_rng(0)
    pictures = []
    for index in range(count):
        with Image.open(EXAMPLES / f"{stems[index % len(stems)]}.jpg") as image:
            photo = image.convert("RGB")
        width, height = photo.size
        side = random.uniform(0.8, 1.0)
        left, top = random.uniform(0, 1 - side, 2) * (width, height)
        box = (left, top, left + side * width, top + side * height)
        photo = photo.resize((round(width * side * 0.6), round(height * side * 0.6)), box=box)
        photo = photo.rotate(random.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=(114, 114, 114))
        if random.random() < 0.5:
            photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pictures.append(RealPicture(ImageEnhance.Brightness(photo).enhance(random.uniform(0.7, 1.3))))
    return pictures


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """``tiny.narrow`` for a file."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.narrow(patch)
        yield


@pytest.fixture(scope="module")
def state(architecture, request) -> dict[str, np.ndarray]:
    """Random weights of the file's ``architecture`` with the outputs of its ``SPEC``."""
    return tiny.random_state(architecture, request.module.SPEC.outputs)


@pytest.fixture(scope="module")
def picture(request) -> np.ndarray:
    """A normalised picture of the size of the file's ``SPEC``, float32 (1, 3, S, S)."""
    size = request.module.SPEC.size
    return np.random.default_rng(1).standard_normal((1, 3, size, size), np.float32)


@pytest.fixture
def whole(monkeypatch) -> None:
    """All channels again, for a test in such a file that uses bundled weights, other libraries or a process."""
    tiny.narrow(monkeypatch, Architecture.channels)


@pytest.fixture(scope="session")
def real_flowers():
    """A function: ``count`` → that many real flower photographs (test split, else shipped ones augmented)."""
    return lambda count: from_split("flowers102", count) if data_folder() else from_examples(FLOWERS, count)


@pytest.fixture(scope="session")
def real_faces():
    """A function: ``count`` → that many real photographs of faces (test split, else shipped ones augmented)."""
    return lambda count: from_split("faces68", count) if data_folder() else from_examples(FACES, count)
