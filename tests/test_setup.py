"""`make run` and `make test` on a fresh machine: scripts of .ci/ and the Makefile, in clones without a network.

A stand-in for Python (PYTHON names it) builds environments in no time and notes what it was asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = """#!/bin/sh
case "$1 $2" in
    "-c "*) echo '[[{version}], "{platform}", {has_pip}]' ;;
    "-m venv") echo "$*" >> "{log}"; sleep {pause}; mkdir -p "$3/bin" && ln -s "$0" "$3/bin/python" ;;
    "-m ruff" | "-m mypy") echo "$*" >> "{log}" ;;
    "-m pip" | "-m pytest") echo "$*" >> "{log}"; [ ! -e "{fails}" ] ;;
    *) exec "{real}" "$@" ;;
esac
"""


class Machine:
    """A fresh machine: an empty cache folder, a Python, and any number of clones of the project."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.cache = folder / "cache"
        self.log = folder / "log"
        self.fails = folder / "pip-fails"
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.python = self.add_python("python-test")

    def add_tool(self, name: str, script: str) -> Path:
        """A command on PATH."""
        tool = self.tools / name
        tool.write_text(script)
        tool.chmod(0o755)
        return tool

    def add_python(
        self, name: str, version: str = "3, 11", platform: str = "linux-test", has_pip: bool = True, pause: float = 0
    ) -> Path:
        """A stand-in for Python of that version, which takes ``pause`` seconds to build an environment."""
        fields = {"version": version, "platform": platform, "has_pip": str(has_pip).lower(), "pause": pause}
        paths = {"log": self.log, "fails": self.fails, "real": sys.executable}
        return self.add_tool(name, STAND_IN.format(**fields, **paths))

    def clone(
        self, name: str, requirements: str = "numpy>=2", tests: str = "pytest>=9", torch: str = "torch>=2"
    ) -> Path:
        """A clone of the project as far as the set-up goes."""
        clone = self.folder / name
        shutil.copytree(ROOT / ".ci", clone / ".ci")
        shutil.copy(ROOT / "Makefile", clone)
        (clone / "tests").mkdir()
        self.require(clone, requirements, tests, torch=torch)
        return clone

    def require(self, clone: Path, *bounds: str, torch: str = "torch>=2") -> None:
        """Let the clone require other packages: of the page, and of the tests."""
        page, tests = bounds if len(bounds) == 2 else (*bounds, "pytest>=9")
        (clone / "pyproject.toml").write_text(
            f"[project]\ndependencies = [{page!r}]\n[project.optional-dependencies]\n"
            f'page = []\nsearch = []\ntrain = [{torch!r}]\nexport = []\nbench = ["resnet-demo[page,train]"]\n'
            f'dev = ["resnet-demo[bench,export]", {tests!r}]\n'
        )

    def variables(self, python: Path | str | None = None) -> dict[str, str]:
        """The variables of a call, without what a `make` around these tests has set."""
        kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PORT", "HOST")}
        path = f"{self.tools}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "XDG_CACHE_HOME": str(self.cache), "PYTHON": str(python or self.python), "PATH": path}

    def call(self, clone: Path, *arguments: str, python: Path | str | None = None) -> subprocess.CompletedProcess[str]:
        """Run .ci/environment of that clone."""
        command = [sys.executable, str(clone / ".ci" / "environment"), *arguments]
        return subprocess.run(command, env=self.variables(python), capture_output=True, text=True)

    def done(self) -> list[str]:
        """What Python was asked to do since the last time: "venv", "pip install", ..."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [" ".join(line.split()[1 : 2 + ("pip" in line)]) for line in lines]

    def environments(self) -> set[Path]:
        """The environments in the cache folder."""
        return set((self.cache / "resnet-demo").glob("env-*"))


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def fine(result: subprocess.CompletedProcess[str]) -> str:
    """What a call that worked has printed."""
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_real_environment_is_built_once_and_then_found(machine):
    clone = machine.clone("clone", requirements="pip", tests="pip", torch="pip")
    assert "Installing packages" in fine(machine.call(clone, "tests", python=sys.executable))
    (environment,) = machine.environments()
    assert (clone / ".venv").resolve() == environment
    prefix = "import sys; print(sys.prefix, sys.prefix != sys.base_prefix)"
    found = subprocess.run([clone / ".venv" / "bin" / "python", "-c", prefix], capture_output=True, text=True)
    assert found.stdout.split()[1] == "True"
    assert fine(machine.call(clone, "tests", python=sys.executable)) == ""


def test_clones_with_the_same_requirements_share_one_environment(machine):
    one, two = machine.clone("one"), machine.clone("two", requirements="numpy>=2")
    (two / "pyproject.toml").write_text("# a comment changes nothing\n" + (one / "pyproject.toml").read_text())
    fine(machine.call(one))
    assert machine.done() == ["venv", "pip install"]
    assert fine(machine.call(two)) == ""
    assert machine.done() == []
    assert os.readlink(one / ".venv") == os.readlink(two / ".venv")


def test_other_requirements_and_other_pythons_get_their_own(machine):
    machine.call(machine.clone("one"))
    machine.call(machine.clone("two", requirements="numpy>=3"))
    machine.call(machine.clone("three"), python=machine.add_python("newer", version="3, 12"))
    machine.call(machine.clone("four"), python=machine.add_python("elsewhere", platform="macosx"))
    assert len(machine.environments()) == 4


def test_test_requirements_are_installed_on_top(machine):
    clone = machine.clone("clone")
    fine(machine.call(clone))
    machine.done()
    assert "test packages" in fine(machine.call(clone, "tests"))
    assert machine.done() == ["pip install"]
    fine(machine.call(clone))
    machine.require(clone, "numpy>=2", "pytest>=10")
    fine(machine.call(clone))
    assert machine.done() == []
    fine(machine.call(clone, "tests"))
    assert machine.done() == ["pip install"]
    assert len(machine.environments()) == 1


def test_torch_comes_only_where_it_is_asked_for_or_there_is_a_gpu(machine):
    clone = machine.clone("clone")
    said = fine(machine.call(clone, "page"))
    assert "torch>=2" not in machine.log.read_text() and "`make torch` adds it" in said
    machine.done()
    assert "PyTorch and what training needs" in fine(machine.call(clone, "torch"))
    assert "torch>=2" in machine.log.read_text()
    assert machine.done() == ["pip install"]
    assert fine(machine.call(clone)) == fine(machine.call(clone, "torch")) == ""
    assert len(machine.environments()) == 1


def test_the_lock_is_used_where_it_was_made_for_the_python_at_hand(machine):
    clone = machine.clone("clone")
    (clone / "requirements.lock").write_text("# for 3.11-linux-test\nnumpy==2.4.6\n")
    fine(machine.call(clone))
    assert f"--constraint {clone / 'requirements.lock'}" in machine.log.read_text()
    machine.done()
    fine(machine.call(clone, python=machine.add_python("newer", version="3, 12")))
    assert "--constraint" not in machine.log.read_text()
    (clone / "requirements.lock").write_text("# for 3.11-linux-test\nnumpy==2.4.7\n")
    machine.done()
    fine(machine.call(clone))
    assert machine.done() == ["venv", "pip install"]


def test_the_newest_versions_have_an_environment_of_their_own(machine):
    clone = machine.clone("clone")
    (clone / "requirements.lock").write_text("# for 3.11-linux-test\nnumpy==2.4.6\n")
    fine(machine.call(clone))
    usual = os.readlink(clone / ".venv")
    for _ in range(2):  # Newer versions may be there by now.
        machine.done()
        fine(machine.call(clone, "newest"))
        assert "--upgrade" in machine.log.read_text() and "--constraint" not in machine.log.read_text()
    assert os.readlink(clone / ".venv") == usual != os.readlink(clone / ".venv-newest")
    fine(machine.call(clone))
    assert len(machine.environments()) == 2


def test_an_environment_goes_with_its_last_clone(machine):
    gone, moved_on, stays = machine.clone("gone"), machine.clone("moved-on"), machine.clone("stays")
    for clone in (gone, moved_on, stays):
        fine(machine.call(clone))
    (shared,) = machine.environments()
    shutil.rmtree(gone)
    machine.require(moved_on, "numpy>=3")
    fine(machine.call(moved_on))
    assert shared in machine.environments() and len(machine.environments()) == 2

    machine.require(stays, "numpy>=3")
    assert f"Removing {shared}" in fine(machine.call(stays))
    assert machine.environments() == {(stays / ".venv").resolve()}


def test_nothing_else_in_the_cache_folder_is_touched(machine):
    other = machine.cache / "resnet-demo" / "imagenet" / "weights.bin"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    clone = machine.clone("clone")
    fine(machine.call(clone))
    machine.require(clone, "numpy>=3")
    assert "Removing" in fine(machine.call(clone))
    assert other.read_text() == "mine"


def test_a_half_built_environment_is_built_again(machine):
    clone = machine.clone("clone")
    machine.fails.touch()
    result = machine.call(clone)
    assert result.returncode == 1 and "could not be built" in result.stderr and "Traceback" not in result.stderr
    assert not (clone / ".venv").exists()
    machine.fails.unlink()
    (environment,) = machine.environments()
    (environment / "half-installed").touch()
    machine.done()

    fine(machine.call(clone))
    assert machine.done() == ["venv", "pip install"]
    assert not (environment / "half-installed").exists()


def test_an_environment_whose_python_is_gone_is_built_again_and_keeps_its_clones(machine):
    one, two = machine.clone("one"), machine.clone("two")
    fine(machine.call(one))
    fine(machine.call(two))
    (environment,) = machine.environments()
    (environment / "bin" / "python").unlink()
    machine.done()
    fine(machine.call(one))
    assert machine.done() == ["venv", "pip install"]

    machine.require(one, "numpy>=3")
    fine(machine.call(one))
    assert environment in machine.environments()


def test_two_clones_at_once_build_one_environment(machine):
    machine.add_python("python-test", pause=0.5)  # The other one comes meanwhile.
    clones = [machine.clone("one"), machine.clone("two")]
    calls = [
        subprocess.Popen([sys.executable, str(clone / ".ci" / "environment")], env=machine.variables())
        for clone in clones
    ]
    assert [call.wait() for call in calls] == [0, 0]
    assert machine.done() == ["venv", "pip install"]
    assert os.readlink(clones[0] / ".venv") == os.readlink(clones[1] / ".venv")


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ({"version": "3, 9"}, "Python 3.10 or newer is needed"),
        ({"version": "3, 12", "has_pip": False}, "Python 3.12 comes without venv"),
        (None, "There is no Python called /nowhere/python"),
    ],
)
def test_an_unsuitable_python_is_one_sentence(machine, python, sentence):
    command = "/nowhere/python" if python is None else machine.add_python("unsuitable", **python)
    result = machine.call(machine.clone("clone"), python=command)
    assert result.returncode == 1
    assert result.stderr.startswith(sentence) and result.stderr.count("\n") == 1
    assert machine.environments() == set()


def test_a_folder_of_the_users_own_is_left_alone(machine):
    clone = machine.clone("clone")
    (clone / ".venv").mkdir()
    result = machine.call(clone)
    assert result.returncode == 1 and result.stderr.startswith("The folder .venv was not made by this project")
    assert (clone / ".venv").is_dir() and machine.environments() == set()


def test_make_run_starts_the_page_where_it_is_asked_to(machine):
    clone = machine.clone("clone")
    (clone / "app.py").write_text("import os; print('listening on', os.environ.get('HOST'), os.environ.get('PORT'))")
    usual = subprocess.run(["make", "run"], cwd=clone, env=machine.variables(), capture_output=True, text=True)
    assert "listening on None None" in fine(usual)
    variables = {**machine.variables(), "HOST": "0.0.0.0"}
    other = subprocess.run(["make", "run", "PORT=8123"], cwd=clone, env=variables, capture_output=True, text=True)
    assert "listening on 0.0.0.0 8123" in fine(other)


def test_ci_runs_the_tests_and_fails_with_them(machine, tmp_path):
    machine.add_tool("chromium", "#!/bin/sh\n")
    clone = machine.clone("clone")
    command = ["bash", str(clone / ".ci" / "run")]
    fine(subprocess.run(command, cwd=tmp_path, env=machine.variables(), capture_output=True, text=True))
    checks = ["ruff", "ruff", "mypy", "pytest"]
    assert machine.done() == ["venv", "pip install", *checks]
    machine.fails.touch()
    assert subprocess.run(command, env=machine.variables(), capture_output=True).returncode != 0
    assert machine.done() == checks


def chromium(machine: Machine) -> subprocess.CompletedProcess[str]:
    """Run .ci/chromium where nothing but the machine's own tools is installed, and not as root."""
    machine.add_tool("id", "#!/bin/sh\necho 1000\n")
    command = [shutil.which("sh"), str(ROOT / ".ci" / "chromium")]
    return subprocess.run(command, env={"PATH": str(machine.tools)}, capture_output=True, text=True)


def test_chromium_on_the_machine_is_used(machine):
    machine.add_tool("google-chrome", "#!/bin/sh\n")
    assert fine(chromium(machine)) == ""


def test_a_missing_chromium_is_installed_as_root(machine):
    log = machine.folder / "apt.log"
    machine.add_tool("env", '#!/bin/sh\nshift\n"$@"\n')
    machine.add_tool("apt-get", f'#!/bin/sh\necho "$AS_ROOT $*" >> "{log}"\n')
    machine.add_tool("sudo", '#!/bin/sh\nAS_ROOT=root "$@"\n')
    fine(chromium(machine))
    update, install = log.read_text().splitlines()
    assert update.startswith("root update") and install.startswith("root install") and " chromium" in install


@pytest.mark.parametrize("tools", [(), ("apt-get",), ("apt-get", "sudo")])
def test_a_chromium_that_cannot_be_installed_is_one_sentence(machine, tools):
    for name in tools:
        machine.add_tool(name, "#!/bin/sh\nexit 1\n")
    result = chromium(machine)
    assert result.returncode == 1
    assert result.stderr.startswith("The browser tests need Chromium") and result.stderr.count("\n") == 1
