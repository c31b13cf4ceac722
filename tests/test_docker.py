"""The Dockerfile, read: what it copies is there, nothing runs as root, and no PyTorch comes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch

from conftest import ROOT

KNOWN = {"FROM", "RUN", "USER", "ENV", "WORKDIR", "COPY", "EXPOSE", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Word and rest of each instruction, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def sent() -> list[str]:
    """The patterns of .dockerignore that let something through; all else stays here."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_the_user_of_a_space_runs_the_app_on_its_port():
    steps = instructions()
    assert {word for word, _ in steps} <= KNOWN
    assert steps[0][0] == "FROM" and re.search(r":3\.\d+-slim$", steps[0][1])
    assert ("RUN", "useradd --create-home --uid 1000 user") in steps
    assert [rest for word, rest in steps if word == "USER"] == ["1000"]
    before = steps[: steps.index(("USER", "1000"))]
    assert [word for word, _ in before] == ["FROM", "RUN"]  # the user is all that root makes
    environment = dict(pair.split("=") for word, rest in steps if word == "ENV" for pair in rest.split())
    assert environment["HOST"] == "0.0.0.0" and environment["PORT"] == "7860" and ("EXPOSE", "7860") in steps
    assert steps[-1][0] == "CMD" and json.loads(steps[-1][1]) == ["python", "app.py"]


def test_what_is_copied_is_there_and_sent():
    patterns = sent()
    for rest in (rest for word, rest in instructions() if word == "COPY"):
        owner, *sources, _ = rest.split()
        assert owner == "--chown=1000"
        for source in sources:
            assert (ROOT / source).exists(), source
            known = [pattern for pattern in patterns if fnmatch(source, pattern) or pattern.startswith(f"{source}/")]
            assert known, f"{source} is not sent, see .dockerignore"
    tracked = [line.removeprefix("!").strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    tasks = {line for line in tracked if line.startswith("weights/") and not line.endswith(("*", "json", ".*"))}
    assert tasks < set(patterns), "a bundled task is not sent"


def test_it_installs_the_page_without_pytorch():
    (run,) = (rest for word, rest in instructions() if word == "RUN" and "pip install" in rest)
    assert run.startswith("python .ci/requirements page > ") and "--no-cache-dir" in run
    # The locked versions, on the Python that they are for.
    python = re.search(r":(3\.\d+)-slim$", instructions()[0][1])[1]
    assert "--constraint requirements.lock" in run and f"# for {python}-" in (ROOT / "requirements.lock").read_text()
    done = subprocess.run([sys.executable, ROOT / ".ci/requirements", "page"], capture_output=True, text=True)
    names = [re.split(r"[\[<>=]", line)[0] for line in done.stdout.split()]
    assert "gradio" in names and "openvino" in names and "torch" not in names
