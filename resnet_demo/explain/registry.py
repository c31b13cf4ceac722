"""Which explanations there are.

Each is a function in a file of its own, here or anywhere, under ``explanation``: that is all that makes ``cam`` and the
command line offer it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.explain import maps
from resnet_demo.explain.case import Case
from resnet_demo.models.architecture import STAGES

DEFAULT = "grad-cam"
LAST = STAGES[-1:]
Make = Callable[[Case], np.ndarray]


@dataclass(frozen=True)
class Explanation:
    """A way to explain.

    Attributes:
        make: a case → map (r, c) of the picture, of any size and scale; zero stays "nothing".
        stages: kind of task, such as ``CLASSIFICATION`` → the stages that it can explain; no other kinds.
        signed: negative values say something of classes too, so it is drawn in two colours.
        compares: it wants to know against what.
    """

    make: Make
    stages: Mapping[str, tuple[str, ...]]
    signed: bool = False
    compares: bool = False


_explanations: dict[str, Explanation] = {}


def explanation(
    name: str, stages: Mapping[str, tuple[str, ...]], *, signed: bool = False, compares: bool = False
) -> Callable[[Make], Make]:
    """Offer the function below under a name, see ``Explanation``."""

    def keep(make: Make) -> Make:
        _explanations[name] = Explanation(make, stages, signed, compares)
        return make

    return keep


def explanations() -> dict[str, Explanation]:
    """All of them by name: those of this folder, and those that others have imported."""
    _import_all()
    return dict(sorted(_explanations.items()))


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")


def check(name: str, kind: str, layer: str = STAGES[-1], compared: bool = False) -> Explanation:
    """The explanation of that name, if it can do what is asked.

    Args:
        kind: of the task.
        compared: something is given to compare with.

    Raises:
        UserError: there is none, or it cannot; the sentence says which can.
    """
    known = explanations()
    if name not in known:
        raise UserError("There is no explanation {name!r}: choose one of {known}.", name=name, known=list(known))
    found = known[name]
    if kind not in found.stages:
        others = [other for other, one in known.items() if kind in one.stages]
        raise UserError(
            "{name} does not work for {task_kind}: choose one of {known}.", name=name, task_kind=kind, known=others
        )
    if layer not in STAGES:
        raise UserError("There is no layer {layer!r}: choose one of {layers}.", layer=layer, layers=list(STAGES))
    if layer not in found.stages[kind]:
        layers = list(found.stages[kind])
        raise UserError("{name} does not explain {layer}: choose {layers}.", name=name, layer=layer, layers=layers)
    if compared and not found.compares:
        others = [other for other, one in known.items() if one.compares]
        raise UserError("{name} compares with nothing: leave against out, or choose {known}.", name=name, known=others)
    if found.compares and not compared:
        raise UserError("{name} needs something to compare with: name a class or region in against.", name=name)
    return found


def explain(name: str, case: Case) -> np.ndarray:
    """float32 map (r, c) by an explanation, divided by its largest magnitude: −1..1.

    Raises:
        UserError: see ``check``.
    """
    found = check(name, case.spec.kind, case.layer, case.against is not None)
    return maps.normalise_signed(found.make(case))
