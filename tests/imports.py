"""The imports of the package, read from its source: those inside functions, for type checkers and by name too."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from conftest import ROOT

PACKAGE = "resnet_demo"


def module_of(path: Path) -> str:
    """A source file → its dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    """Dotted name → source file, of every module of the package."""
    return {module_of(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


@cache
def imported(path: Path) -> set[str]:
    """Dotted names of all that a file imports: modules, or names in them; modules that a text names, as they are
    imported by that."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative path"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            names |= {node.value} & modules().keys()
    return names


@cache
def arrows() -> dict[str, set[str]]:
    """Module of the package → the modules of the package that it imports."""
    known = modules()
    found: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = set()
        for target in imported(path):
            while target and target not in known:
                target = target.rpartition(".")[0]
            # A name out of a package's ``__init__`` that is a module of it counts as that module alone.
            if target and target != name:
                targets.add(target)
        found[name] = targets
    return found
