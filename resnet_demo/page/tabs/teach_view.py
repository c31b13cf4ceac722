"""What the tab Teach shows of a lesson: its classes, its confusion matrix with the photos of each cell, and commands.

Names of files and classes come from strangers and are escaped.
"""

from __future__ import annotations

import html
import shlex

from resnet_demo.models.architecture import Architecture
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.lessons import Example, Lesson
from resnet_demo.page.widgets.confusion import confusion
from resnet_demo.page.widgets.inputs import address, note

LISTED = 8  # files that could not be used
THUMBNAILS = 6  # of a class


def class_rows(lesson: Lesson) -> str:
    """The classes so far: name, count, the first photos and a button that removes the class."""
    if not lesson.names:
        return ""
    rows = []
    for index, name in enumerate(lesson.names):
        photos = [example for example in lesson.examples if example.label == name]
        shown = html.escape(name)
        known = say("teach_count" if len(photos) > 1 else "teach_count_one", count=len(photos))
        remove = html.escape(say("teach_remove", label=name))
        rows.append(
            f'<li><span class="teach-name">{shown}</span> <small>{known}</small>'
            f'<button type="button" data-remove="{index}" aria-label="{remove}" title="{remove}">×</button>'
            f'<div class="small-photos">{"".join(map(picture, photos[:THUMBNAILS]))}</div></li>'
        )
    return f'<h2>{say("teach_list")}</h2><ul class="teach-classes">{"".join(rows)}</ul>'


def picture(example: Example) -> str:
    return f'<img src="{html.escape(address(example.picture))}" alt="{html.escape(example.name)}" loading="lazy">'


def matrix(lesson: Lesson) -> str:
    """The confusion matrix by leave-one-out; see ``confusion``."""
    taught = lesson.taught
    if taught is None:
        return ""
    photos: dict[tuple[int, int], list[str]] = {}
    for example, true, found in zip(lesson.examples, taught.labels, taught.found, strict=True):
        photos.setdefault((int(true), int(found)), []).append(picture(example))
    names = taught.checkpoint.spec.labels
    return confusion(names, names, photos)


def going(done: int, total: int) -> str:
    bar = f'<progress max="{total}" value="{done}" aria-hidden="true"></progress>'
    return note(say("teach_going", done=done, total=total), bar)


def words(lesson: Lesson, trunk: str) -> str:
    """How well the photos are named, and which files could not be used."""
    lines = []
    if taught := lesson.taught:
        right, total = int(taught.confusion.trace()), len(taught.labels)
        lines += [say("teach_right", right=right, total=total, share=percent(right / total)), say("teach_try_it")]
    else:
        lines.append(say("teach_more") if lesson.examples else say("hint_teach"))
    if lesson.bad:
        files = [f"{name}: {reason}" for name, reason in lesson.bad[:LISTED]]
        more = [say("teach_bad_more", count=len(lesson.bad) - LISTED)] if len(lesson.bad) > LISTED else []
        listed = "".join(f"<li>{html.escape(html.unescape(line))}</li>" for line in [*files, *more])
        lines.append(f"{say('teach_bad', count=len(lesson.bad))}<ul>{listed}</ul>")
    return note(*lines, facts=html.escape(trunk) if lesson.taught else "")


def commands(name: str, network: Architecture) -> str:
    """How the checkpoint is used, and how all layers of such a network are trained."""
    name = shlex.quote(name)
    lines = (
        f"RESNET_DEMO_WEIGHTS={name} resnet-demo predict PHOTO --task {name} --depth {network.depth}",
        f"RESNET_DEMO_WEIGHTS={name} resnet-demo serve",
        f"resnet-demo train --data PHOTOS {network.train_option} --name {name}",
    )
    code = html.escape("\n".join(lines))
    return f'<div class="teach-use"><p>{say("teach_use")}</p><pre tabindex="0"><code>{code}</code></pre></div>'
