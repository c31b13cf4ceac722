"""Packages of others to measure beside: installed by the bench alone, where the app's own packages never see them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from resnet_demo.utils.cache import cache_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
SECONDS = 900  # for one group of packages


class Missing(Exception):
    """A peer that cannot be measured here; one sentence."""


def load(group: str, module: str) -> ModuleType:
    """A module of a group of packages, which is installed first where it is not there yet.

    Raises:
        Missing: it cannot be installed or imported.
    """
    folder(group)
    try:
        return import_module(module)
    except Exception as error:  # A package may do anything while it is imported.
        raise Missing(f"{module} cannot be imported ({type(error).__name__}: {error}).") from error


def folder(group: str) -> Path:
    """The folder of a group's packages, installed where they are not there yet; Python finds them from then on.

    Raises:
        Missing: they cannot be installed.
    """
    needed = wanted_by(group)[0]
    if needed:
        folder(needed)
    found = installed(group)
    if isinstance(found, str):
        raise Missing(found)
    # At the end: what the app has itself, such as torch and numpy, comes from the app's own packages.
    if str(found) not in sys.path:
        sys.path.append(str(found))
    return found


@cache
def installed(group: str) -> Path | str:
    """The folder of a group's packages, or why there is none; it is tried once only.

    There is one for each version of the group's list, of Python and of the platform.
    """
    packages = wanted_by(group)[1]
    kind = [str(sys.implementation.cache_tag), sysconfig.get_platform()]
    digest = hashlib.sha256("\n".join([*packages, *kind]).encode()).hexdigest()[:12]
    final = cache_folder() / "bench" / f"{group}-{digest}"
    if final.is_dir():
        return final
    print(f"Installing {group}, to measure beside it, into the user's cache folder ...", flush=True)
    unfinished = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{final.name}.", dir=final.parent))
        if trouble := pip(packages, unfinished):
            return trouble
        # Only a whole installation gets the name. Another process may have been faster.
        if not final.is_dir():
            unfinished.rename(final)
        return final
    except OSError as error:
        return f"its packages cannot be written to the cache folder ({error.strerror or error})."
    finally:
        if unfinished:
            shutil.rmtree(unfinished, ignore_errors=True)


def pip(packages: list[str], target: Path) -> str:
    """Install packages into a folder, and nothing that they depend on → why that failed, or an empty text."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--prefer-binary", "--target", str(target), *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"its packages were not installed within {SECONDS // 60} minutes."
    if not done.returncode:
        return ""
    said = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return f"its packages cannot be installed: {said[-1].rstrip('.') if said else 'pip is missing or failed'}."


def wanted_by(group: str) -> tuple[str, list[str]]:
    """The group that must be there before this one (or an empty text), and this one's own requirements."""
    needed, packages, inside = "", [], False
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# \[([\w-]+)(?: on ([\w-]+))?\]", line):
            inside = heading[1] == group
            needed = heading[2] or "" if inside else needed
        elif inside and line and not line.startswith("#"):
            packages.append(line)
    return needed, packages
