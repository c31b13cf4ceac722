"""No stub files: a third of the time in which Gradio is imported goes into them, and only editors read them.

For every class of component, Gradio 6.31 parses the module's source, renders a template and compares the result with a
``.pyi`` file beside the module; the files come with the package. There is no setting for that, so the function that
does it is replaced while Gradio is imported.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE, FUNCTION = "gradio.component_meta", "create_or_modify_pyi"


class WithoutStubs(MetaPathFinder):
    """Finds ``gradio.component_meta`` as usual, and takes its function away once the module has run."""

    def find_spec(self, name: str, path, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_replace(module: ModuleType) -> None:
                run(module)
                if hasattr(module, FUNCTION):
                    setattr(module, FUNCTION, write_nothing)

            spec.loader.exec_module = run_and_replace  # type: ignore[method-assign]
        return spec


def write_nothing(*_: object) -> None:
    """In place of Gradio's function."""


def leave_out() -> None:
    """Let Gradio, where it is not imported yet, write no stub files."""
    if MODULE not in sys.modules and not any(isinstance(finder, WithoutStubs) for finder in sys.meta_path):
        sys.meta_path.insert(0, WithoutStubs())
