"""The Lab's traps: mistakes of training that raise no error by themselves, what each costs, and what is done here."""

from __future__ import annotations

from resnet_demo.lab.plots import COMMITTED
from resnet_demo.lab.results import Trap, read_rows
from resnet_demo.page.i18n.format import of_hundred
from resnet_demo.page.i18n.texts import say

FILE = COMMITTED / "traps.csv"
LOW, HIGH = "0.1", "1"  # learning rates


def shown() -> str:
    """On what the traps were measured, and each with its figures in two sentences, as HTML."""
    found = {(row.trap, row.case, row.batch, row.measure): row for row in read_rows(FILE, Trap)}
    few, many = (found["relu", f"rate {rate}", 32, "dead"] for rate in (LOW, HIGH))
    late, in_time = (found["head", case, 32, "loss"] for case in ("late", "in time"))
    frozen = found["norms", "training", 4, "right"]

    def right(trap: str, case: str, batch: int = 50) -> str:
        return of_hundred(found[trap, case, batch, "right"].value)

    values: dict[str, dict[str, object]] = {
        "eval": {
            "right": right("eval", "evaluation"),
            "large": right("eval", "training"),
            "small": right("eval", "training", 8),
            "single": right("eval", "training", 1),
            "after": right("eval", "afterwards", 1),
        },
        "shortcut": {"right": right("shortcut", "whole"), "wrong": right("shortcut", "1x1")},
        "relu": {
            "low": LOW,
            "few": say("percent", value=f"{few.value:.0f}"),
            "high": HIGH,
            "many": say("percent", value=f"{many.value:.0f}"),
            "steps": many.steps,
        },
        "head": {"late": f"{late.value:.2f}", "in_time": f"{in_time.value:.2f}", "steps": late.steps},
        "norms": {
            "right": right("norms", "evaluation"),
            "wrong": of_hundred(frozen.value),
            "steps": frozen.steps,
            "batch": frozen.batch,
        },
    }
    parts = [
        f"<h3>{say(f'lab_trap_{trap}')}</h3><p>{say(f'lab_trap_{trap}_said', **figures)}</p>"
        for trap, figures in values.items()
    ]
    how = say("lab_traps_how", photos=frozen.pictures, learned=many.pictures)
    return f'<div class="lab-traps"><p>{how}</p>{"".join(parts)}</div>'
