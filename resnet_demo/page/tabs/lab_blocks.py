"""What the Lab shows of blocks that are left out: both answers, and the bars of all blocks, as HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from resnet_demo.checkpoints.lesions import LEAST
from resnet_demo.inference import results
from resnet_demo.page import catalog
from resnet_demo.page.endpoints import facts, photo_lines
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.widgets.heat import with_heat
from resnet_demo.page.widgets.inputs import address, jpeg, note

Blocks = Mapping[str, Sequence[str]]  # names by their stage


def named(prediction: results.Prediction, index: int) -> str:
    return html.escape(class_names.shown(prediction.task, prediction.spec.labels[index]))


def pair(before: results.Prediction, after: results.Prediction | None, out: Sequence[str], token: str) -> str:
    """Both answers side by side, each with the heat of the whole network's class; ``after`` is None while nothing is
    left out."""
    best = int(before.probabilities.argmax())
    heading = say("lab_without", blocks=say("separator").join(map(html.escape, out)))
    second = (
        card(after, best, heading) if after else f'<article><p class="lab-none">{say("lab_none_out")}</p></article>'
    )
    left = html.escape(",".join(out), quote=True)
    return (
        f'<div class="lab-pair" data-token="{html.escape(token, quote=True)}" data-out="{left}">'
        f"{card(before, best, say('lab_whole'))}{second}</div>"
    )


def card(prediction: results.Prediction, best: int, heading: str) -> str:
    """A network's answer: the photo with the heat of class ``best``, and its most likely classes as bars."""
    cam = prediction.low_resolution_cam(best)
    picture = address(jpeg(with_heat(prediction.photo, cam, prediction.window), "lab", 85))
    said = say("lab_heat", label=named(prediction, best))
    rows = "".join(
        f"<li><span>{html.escape(class_names.shown(prediction.task, score.label))}</span>"
        f'<span>{percent(score.probability)}</span><i style="--share:{score.probability:.4f}"></i></li>'
        for score in prediction.top_k
    )
    return (
        f'<article><h3>{heading}</h3><div><figure><img src="{html.escape(picture, quote=True)}" alt="{said}">'
        f"<figcaption>{said}</figcaption></figure><ol>{rows}</ol></div></article>"
    )


def words(before: results.Prediction, after: results.Prediction | None, out: Sequence[str]) -> str:
    """What leaving blocks out did, in a sentence."""
    best = int(before.probabilities.argmax())
    first, share = named(before, best), percent(float(before.probabilities[best]))
    said = photo_lines(before)
    count = sum(map(len, before.blocks.values()))
    if after is None:
        return note(say("lab_said_whole", label=first, share=share, count=count), *said, facts=facts(before))
    other, left = int(after.probabilities.argmax()), percent(float(after.probabilities[best]))
    values = {"label": first, "before": share, "after": left, "out": len(out), "count": count}
    if other == best:
        sentence = say("lab_said_same", **values)
    else:
        now = percent(float(after.probabilities[other]))
        sentence = say("lab_said_other", **values, other=named(after, other), now=now)
    return note(sentence, *said, facts=facts(after))


def of(token: str, content: str) -> str:
    """What belongs to one answer: ``lab.js`` hides it where another one is shown."""
    return f'<div data-of="{html.escape(token, quote=True)}">{content}</div>'


def trying(done: int, total: int) -> str:
    """How far the trial of all blocks is."""
    bar = f'<progress max="{total}" value="{done}" aria-hidden="true"></progress>'
    return note(say("lab_trying", done=done, total=total), bar)


def drops(before: results.Prediction, found: Mapping[str, float]) -> str:
    """A bar a block: how much of the whole network's class its absence costs, in points of a percent."""
    best = int(before.probabilities.argmax())
    share = float(before.probabilities[best])
    most = max(found, key=found.__getitem__)
    sentence = say(
        "lab_tried",
        label=named(before, best),
        share=percent(share),
        block=html.escape(most),
        points=f"{100 * found[most]:.1f}",
    )
    title = say("lab_tried_title", label=named(before, best))
    values = {name: 100 * drop for name, drop in found.items()}
    return figure(title, before.blocks, values, sentence, say("lab_points_unit"))


def shares(task: str, depth: int, blocks: Blocks) -> str:
    """A bar a block: how much its absence changes the outputs over the photos on which that was measured, and in words
    how many blocks do anything."""
    found = catalog.lesions(task, depth)
    if not found or not found.changes:
        return note(say("lab_not_measured", task=html.escape(task), depth=depth))
    idle, count = found.idle, len(found.changes)
    values = {"count": count, "working": found.working, "idle": len(idle), "pictures": found.pictures}
    key = "lab_all_work" if not idle else "lab_some_work"
    sentence = say(key, **values, least=f"{LEAST:g}")
    if found.sources:
        names = say("separator").join(map(html.escape, found.sources))
        title = say("lab_shares_title_of", pictures=found.pictures, sources=names)
    else:
        title = say("lab_shares_title", pictures=found.pictures)
    return figure(title, blocks, found.changes, sentence, say("lab_spread_unit"), idle)


def stage_name(stage: str) -> str:
    """``layer3``, whose word goes where there is no room."""
    number = html.escape(stage.removeprefix("layer"))
    return f"<span>layer</span>{number}" if stage.startswith("layer") else number


def figure(
    title: str, blocks: Blocks, values: Mapping[str, float], sentence: str, unit: str, idle: Sequence[str] = ()
) -> str:
    """Bars of all blocks by stage, with the sentence that says what they show; ``idle`` ones are drawn paler."""
    high, low = max(*values.values(), 1e-9), min(*values.values(), 0.0)
    span = high - low

    def bar(name: str) -> str:
        value = values.get(name, 0.0)
        place = f"--from:{(max(-low, 0) + min(value, 0)) / span:.3f};--tall:{abs(value) / span:.3f}"
        kind = ' class="is-idle"' if name in idle else ' class="is-gain"' if value < 0 else ""
        return f'<i{kind} style="{place}" title="{html.escape(name)}: {value:.3g} {unit}"></i>'

    groups = "".join(
        f'<span style="flex:{len(names)}"><b>{"".join(map(bar, names))}</b><small>{stage_name(stage)}</small></span>'
        for stage, names in blocks.items()
    )
    said = html.escape(f"{title}: " + "; ".join(f"{name} {value:.3g}" for name, value in values.items()), quote=True)
    return (
        f'<figure class="lab-bars"><figcaption><b>{title}</b></figcaption><p role="status">{sentence}</p>'
        f'<div class="lab-plot" role="img" aria-label="{said}"><em>{high:.3g} {unit}</em>'
        f'<div style="--zero:{-low / span:.3f}">{groups}</div></div></figure>'
    )
