"""The Lab's degradation experiment: networks of 20 and 56 layers that were trained with and without shortcuts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import mean

from resnet_demo.lab.plots import COMMITTED, is_plain
from resnet_demo.lab.results import EPOCHS, PICTURES, SIDE, Epoch, read_rows, runs
from resnet_demo.models.architecture import ARCHITECTURES
from resnet_demo.page.i18n.format import of_hundred, sentences
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.tabs.lab_curves import Curve, figure

FILE = COMMITTED / "degradation.csv"
ERRORS: Mapping[str, Callable[[Epoch], float]] = {
    "train": lambda row: row.train_error,
    "test": lambda row: row.test_error,
}


def shown() -> str:
    """What was found, how it was measured, and a plot for each error, as HTML."""
    rows = read_rows(FILE, Epoch)
    found = {name: means(by_seed) for name, by_seed in runs(rows).items()}
    shallow, deep = sorted({ARCHITECTURES[name].depth for name in found})
    ends = {}
    for name, errors in found.items():
        kind = "plain" if is_plain(name) else "residual"
        ends[f"{kind}_{'deep' if ARCHITECTURES[name].depth == deep else 'shallow'}"] = of_hundred(errors["train"][-1])
    said = say("lab_training_said", shallow=shallow, deep=deep, **ends)
    legend = "".join(f'<span class="{style_of(name, deep)}"><i></i>{title(name)}</span>' for name in found)
    plots = "".join(
        plot({style_of(name, deep): errors[kind] for name, errors in found.items()}, say(f"lab_error_{kind}"))
        for kind in ERRORS
    )
    return f'<p>{said}</p><p>{how(rows)}</p><p class="lab-legend">{legend}</p><div class="lab-curves">{plots}</div>'


def means(by_seed: Mapping[int, Sequence[Epoch]]) -> dict[str, list[float]]:
    """Kind of error → mean of the seeds after each epoch that all of them have."""
    epochs = list(zip(*by_seed.values(), strict=False))
    return {kind: [mean(of(row) for row in epoch) for epoch in epochs] for kind, of in ERRORS.items()}


def how(rows: Sequence[Epoch]) -> str:
    """The settings in words; that they are fewer than the paper's, where they are."""
    first = rows[0]
    seeds = len({row.seed for row in rows})
    said = [
        say(
            "lab_training_how" if seeds > 1 else "lab_training_once",
            epochs=first.epochs,
            seeds=seeds,
            pictures=f"{first.pictures:,}",
            size=first.size,
            tests=f"{first.tests:,}",
        )
    ]
    if first.warmup:
        steps = f"{first.epochs * math.ceil(first.pictures / first.batch):,}"
        said.append(say("lab_training_warmup", rate=f"{first.rate:g}", warmup=first.warmup, steps=steps))
    if first.is_shortened:
        said.append(say("lab_training_short", epochs=EPOCHS, pictures=f"{PICTURES:,}", size=SIDE))
    said.append(say("lab_training_errors"))
    return sentences(*said)


def title(name: str) -> str:
    return say("lab_trained_plain" if is_plain(name) else "lab_trained_residual", depth=ARCHITECTURES[name].depth)


def style_of(name: str, deep: int) -> str:
    """Colour by shortcuts, dashed for the shallow one."""
    faint = "" if ARCHITECTURES[name].depth == deep else " faint"
    return f"{'plain' if is_plain(name) else 'with'}{faint}"


def plot(curves: Mapping[str, Sequence[float]], caption: str) -> str:
    """Errors in percent over the epochs, by the classes of their lines, as SVG."""
    top = 10 * math.ceil(max(max(errors) for errors in curves.values()) / 10)
    return figure(
        caption,
        say("lab_axis_epoch"),
        f"{caption}: {', '.join(of_hundred(errors[-1]) for errors in curves.values())}",
        [(tick / top, str(tick)) for tick in range(0, top + 1, 20 if top > 60 else 10)],
        [Curve([error / top for error in errors], style) for style, errors in curves.items()],
    )
