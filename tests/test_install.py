"""`pip install` of the project: the wheel has all it needs, and predicts with the core's dependencies alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
import tiny
from conftest import EXAMPLES, ROOT
from hub_server import HubServer
from packaging.requirements import Requirement

from resnet_demo.utils import toml
from resnet_demo.version import __version__

PROJECT = toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def lines(name: str) -> list[str]:
    """A file of requirements without its comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in re.sub(r"#.*", "", text).splitlines() if line.strip()]


def required(*extras: str) -> list[str]:
    """What `.ci/requirements` prints."""
    command = [sys.executable, ROOT / ".ci" / "requirements", *extras]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements: list[str]) -> set[str]:
    """Names of the distributions here that these requirements bring."""
    found: set[str] = set()
    todo = [(requirement, "") for requirement in map(Requirement, requirements)]
    seen = set()
    while todo:
        requirement, extra = todo.pop()
        if (key := (str(requirement), extra)) in seen:
            continue
        seen.add(key)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found.add(canonical(requirement.name))
        needs = [Requirement(line) for line in distribution(requirement.name).requires or []]
        todo += [(need, asked) for need in needs for asked in ("", *requirement.extras)]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of commands of an environment with the wheel, and of all that is here only what the core brings."""
    root = tmp_path_factory.mktemp("environment")
    venv.create(root, with_pip=False, symlinks=True)
    python = root / "bin" / "python"
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", find], capture_output=True, text=True, check=True).stdout.strip())
    for name in closure(PROJECT["dependencies"]):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(package.locate_file(top))
    install = [*PIP, "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root / "bin"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny.weights_folder(tmp_path_factory.mktemp("weights"), (tiny.FLOWERS, 18), (tiny.FACES, 18))


def call(installed: Path, folder: Path, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the console script from a folder of its own, as somebody who has no clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RESNET_DEMO_", "PYTHON"))}
    command = [installed / "resnet-demo", *arguments]
    return subprocess.run(command, cwd=folder, env=kept | variables, capture_output=True, text=True)


def test_the_wheel_has_every_file_of_the_package_and_no_weights(wheel):
    listed = subprocess.run(["git", "ls-files", "resnet_demo"], cwd=ROOT, capture_output=True, text=True, check=True)
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert set(listed.stdout.splitlines()) - names == set()
    assert {name for name in names if name.startswith("resnet_demo/weights/")} == {"resnet_demo/weights/index.json"}
    assert not any(name.endswith(".safetensors") for name in names)


def test_an_installed_package_predicts_with_the_core_alone(installed, weights, tmp_path):
    absent = "import importlib.util as u; print([n for n in ('torch', 'gradio', 'tqdm.auto') if u.find_spec(n)])"
    found = subprocess.run([installed / "python", "-c", absent], capture_output=True, text=True, check=True)
    assert "torch" not in found.stdout and "gradio" not in found.stdout
    for task, photo, key in (("flowers102", "dahlia", "top_k"), ("faces68", "astronaut", "faces")):
        arguments = ("predict", EXAMPLES / f"{photo}.jpg", "--task", task, "--depth", "18", "--json")
        done = call(installed, tmp_path, *arguments, RESNET_DEMO_WEIGHTS=str(weights))
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)[key]) >= 1


def test_without_weights_one_sentence_says_what_to_do(installed, tmp_path):
    done = call(installed, tmp_path, "predict", EXAMPLES / "dahlia.jpg")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "The weights of the ResNet-50 for flowers102 are not on this machine: let RESNET_DEMO_"
    )
    assert done.stderr.count("\n") == 1


def test_weights_come_from_the_hub_where_none_are_here(installed, weights, tmp_path):
    files = {path.relative_to(weights).as_posix(): path.read_bytes() for path in weights.rglob("*") if path.is_file()}
    photo = EXAMPLES / "dahlia.jpg"
    with HubServer(tmp_path / "hub") as hub:
        revision = hub.commit("you/weights", files)
        variables = hub.env(RESNET_DEMO_HUB_REPO="you/weights", RESNET_DEMO_HUB_REVISION=revision)
        done = call(installed, tmp_path, "predict", photo, "--depth", "18", "--json", **variables)
    assert done.returncode == 0, done.stderr
    again = call(installed, tmp_path, "predict", photo, "--depth", "18", "--json", **variables)  # Without the Hub.
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["top_k"] == json.loads(done.stdout)["top_k"] != []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serve",), "This needs the package gradio, which is not installed here: run `make run`"),
        (("train", "flowers102", "--out", "run"), "This needs the package torch, which is not installed here"),
        (("predict", EXAMPLES / "dahlia.jpg", "--depth", "18", "--device", "reference"), "The device reference needs"),
    ],
)
def test_without_a_package_one_sentence_says_how_to_get_it(installed, weights, tmp_path, arguments, sentence):
    done = call(installed, tmp_path, *arguments, RESNET_DEMO_WEIGHTS=str(weights))
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(sentence) and done.stderr.count("\n") == 1


def test_explanations_need_no_torch_and_the_module_says_that_it_does(installed, weights, tmp_path):
    code = (
        "import resnet_demo\n"
        f"answer = resnet_demo.load('flowers102', 18)({str(EXAMPLES / 'dahlia.jpg')!r})\n"
        f"faces = resnet_demo.load('faces68', 18)({str(EXAMPLES / 'astronaut.jpg')!r})\n"
        "ways = [{'layer': f'layer{stage}'} for stage in (1, 2, 3)] + [{'method': 'occlusion'}]\n"
        "print(*(answer.cam(**way).shape == answer.cam().shape for way in [*ways, {'method': 'score-cam'}]))\n"
        "print(*(faces.cam('nose', **way).shape == faces.cam('nose').shape for way in ways))\n"
        "try:\n    resnet_demo.ResNet\nexcept resnet_demo.UserError as error:\n    print(error)\n"
    )
    variables = os.environ | {"RESNET_DEMO_WEIGHTS": str(weights)}
    done = subprocess.run(
        [installed / "python", "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    *same, module = done.stdout.splitlines()
    assert same == ["True True True True True", "True True True True"]
    assert module.startswith("This needs the package torch")


def test_version(installed, tmp_path):
    assert call(installed, tmp_path, "--version").stdout == f"resnet-demo {__version__}\n"


# --- The table of dependencies, and what is made from it --------------------------------------------------------------


def test_a_space_installs_the_core_the_page_and_torch():
    assert lines("requirements.txt") == required("page", "torch"), "run make lock"


def test_the_tests_own_requirements_are_the_extra_dev():
    bounds = {line for line in PROJECT["optional-dependencies"]["dev"] if not line.startswith("resnet-demo[")}
    brought = {line for extra in ("export", "search", "batch") for line in PROJECT["optional-dependencies"][extra]}
    assert bounds | brought == set(lines("tests/requirements.txt"))


def test_the_lock_has_a_version_inside_the_bounds_for_everything():
    pins = dict(line.split("==") for line in lines("requirements.lock"))
    python = re.search(r"^# for (3\.\d+)-\w", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)[1]
    for bounds in map(Requirement, required("dev")):
        if bounds.marker and not bounds.marker.evaluate({"python_version": python}):
            continue
        assert bounds.specifier.contains(pins[canonical(bounds.name)]), f"{bounds}: run make lock"
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_every_bound_has_both_sides():
    for bounds in map(Requirement, required("dev")):
        assert {one.operator for one in bounds.specifier} == {">=", "<"}, bounds
