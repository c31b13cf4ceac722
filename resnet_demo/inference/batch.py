"""Many pictures through one network: in portions, with bounded memory, and a broken one spoils no other."""

from __future__ import annotations

import csv
import io
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import numpy as np
from PIL import Image

from resnet_demo import tasks
from resnet_demo.images import overlay
from resnet_demo.images.archives import Source
from resnet_demo.images.decode import open_photo
from resnet_demo.images.pixel_budget import budget
from resnet_demo.inference.base import BATCH, Predictor
from resnet_demo.inference.results import Result, Score
from resnet_demo.utils.cpu import cpu_count, each

PORTION_PIXELS = 60_000_000  # decoded photos that are held at once: 180 MB, and those ahead
AHEAD = min(4, cpu_count())  # photos that are decoded while the network is at work
QUICK, SLOW = 1.0, 3.0  # seconds that a portion takes: below, the next is larger; above, smaller
THUMBNAIL_SIDE = 160  # pixels, for screens with two pixels a point
NAMES = 2  # classes of each picture
R = TypeVar("R")


@dataclass(frozen=True)
class Row:
    """What came out for one picture.

    Attributes:
        name: the file's.
        scores: the most probable classes, best first; none for keypoints.
        count: faces, or points where the task looks for no faces; None for classes.
        reason: why there is no answer, one sentence; empty where there is one.
        unknown: it is probably none of the classes, see ``Prediction``.
        missing_rows, gpu_full, gpu_failed: as in ``Result``.
        thumbnail: the picture, at most ``THUMBNAIL_SIDE`` pixels, or None.
        embedding: float32 (C,) of length 1, to compare photos by, or None.
    """

    name: str
    scores: tuple[Score, ...] = ()
    count: int | None = None
    reason: str = ""
    unknown: bool = False
    missing_rows: float = 0.0
    gpu_full: bool = False
    gpu_failed: bool = False
    thumbnail: Image.Image | None = field(default=None, repr=False, compare=False)
    embedding: np.ndarray | None = field(default=None, repr=False, compare=False)


def draft_side(spec: tasks.TaskSpec) -> int:
    """Shortest side in pixels at which photos may be decoded for their classes, see ``decode.open_photo``.

    Half as large again as what the network sees is cut out of, so that the rest of the way is scaled as in a whole
    photo: the class is the same but for close calls, and a photo of 1024 × 768 pixels decodes in a quarter of the time.
    """
    return max(spec.resize * 3 // 2, THUMBNAIL_SIDE)


def rows(
    network: Predictor, sources: Iterable[Source], explain: Callable[[Exception], str] = str
) -> Iterator[list[Row]]:
    """The answers in the order of the sources, a portion at a time, each as soon as it is there.

    The first portion is one picture; then as many as run in one to three seconds, at most ``BATCH``.

    Args:
        explain: what to say about a failure.
    """
    # Points are placed in the photo's own pixels; for classes a large photo need not be decoded in full.
    draft = draft_side(network.spec) if network.spec.kind == tasks.CLASSIFICATION else None
    return answers(network, sources, _row, NAMES, draft, explain, BATCH, PORTION_PIXELS)


@dataclass(frozen=True, eq=False)
class Answered:
    """A picture, and what the network said of it.

    Attributes:
        name: the file's.
        answer: None where there is none.
        reason: why, one sentence; else empty.
        photo: the decoded picture, None where it is none.
    """

    name: str
    answer: Result | None
    reason: str
    photo: Image.Image | None = field(repr=False)


def answers(
    network: Predictor,
    sources: Iterable[Source],
    row: Callable[[Answered], R],
    top_k: int,
    draft: int | None,
    explain: Callable[[Exception], str],
    most: int,
    pixels: int,
) -> Iterator[list[R]]:
    """What the network says of each source, in their order, in portions as ``rows`` has them.

    Args:
        row: what is made of each, of several at a time; it holds no photo, as the next ones may wait for their memory.
        top_k: classes of each.
        draft: see ``decode.open_photo``.
        explain: what to say about a failure.
        most: photos of a portion.
        pixels: a portion ends with the photo that brings it to so many.
    """
    size, start = 1, perf_counter()
    waiting: list[tuple[str, Image.Image | str]] = []  # name and photo, or why there is none

    def portion() -> list[R]:
        nonlocal waiting
        now, waiting = waiting, []
        return each(row, _answer(network, now, top_k, explain))

    for item in opened_photos(sources, draft, explain):
        if item is None:
            if waiting and budget.is_tight:  # The next photo may wait for the memory of these.
                yield portion()
            continue
        waiting.append(item)
        del item
        if len(waiting) < size and _pixels(waiting) < pixels:
            continue
        yield portion()
        took, start = perf_counter() - start, perf_counter()
        size = min(most, 2 * size) if took < QUICK else max(1, size // 2) if took > SLOW else size
    if waiting:
        yield portion()


def opened_photos(
    sources: Iterable[Source], draft: int | None, explain: Callable[[Exception], str]
) -> Iterator[tuple[str, Image.Image | str] | None]:
    """Name and photo, or why there is none, in the sources' order; meanwhile the next ``AHEAD`` are decoded. None
    comes as long as the next photo is not there."""
    ahead: deque[tuple[str, Future[Image.Image]]] = deque()

    def first() -> tuple[str, Image.Image | str]:
        name, photo = ahead.popleft()
        try:
            return name, photo.result()
        except Exception as error:  # Whatever one file does, the others are answered.
            return name, explain(error)

    def arrived() -> Iterator[None]:
        while wait([ahead[0][1]], timeout=0.05).not_done:
            yield None

    before, over = threading.Event(), threading.Event()
    before.set()
    with ThreadPoolExecutor(AHEAD, "decode") as pool:
        try:
            for source in sources:
                taken = threading.Event()
                ahead.append((source.name, _decoding(pool, source, draft, before, taken, over)))
                before = taken
                if len(ahead) > AHEAD:
                    yield from arrived()
                    yield first()
            while ahead:
                yield from arrived()
                yield first()
        finally:
            over.set()
            ahead.clear()  # Whatever waits for memory gets that of these, and does not keep us here.


def _decoding(
    pool: ThreadPoolExecutor,
    source: Source,
    draft: int | None,
    before: threading.Event,
    taken: threading.Event,
    over: threading.Event,
) -> Future[Image.Image]:
    """A source on its way; it is read in this thread, as an archive must be.

    Args:
        before, taken: the photo before has its memory; this one has. A later photo that was quicker would hold what
            the earlier one waits for, and is only taken after it.
        over: nobody wants it any more.
    """
    content: str | bytes | Exception
    try:
        content = source.read()
    except Exception as error:
        content = error

    def decoded() -> Image.Image:
        before.wait()
        with budget.told(taken.set):
            if over.is_set():
                raise CancelledError
            if isinstance(content, Exception):
                raise content
            return open_photo(content, draft_side=draft)

    return pool.submit(decoded)


def to_csv(rows: Sequence[Row], kind: str, counted: str = "faces", truths: Sequence[str | None] | None = None) -> bytes:
    """A table for spreadsheets: UTF-8 with the mark by which they know it, a line a picture.

    Args:
        kind: the task's, ``tasks.CLASSIFICATION`` or ``tasks.KEYPOINTS``.
        counted: heading of what keypoint tasks count.
        truths: the true class of each picture, where it is known: a column of its own, if there are any.
    """
    known = any(truths or ())
    text = io.StringIO(newline="")
    table = csv.writer(text)
    if kind == tasks.CLASSIFICATION:
        table.writerow(
            ["file", "label", "probability", "second label", "second probability", "unknown", "error"]
            + ["truth"] * known
        )
    else:
        table.writerow(["file", counted, "error"])
    for row, truth in zip(rows, truths or [None] * len(rows), strict=True):
        if kind == tasks.CLASSIFICATION:
            cells = [cell for score in row.scores for cell in (harmless(score.label), f"{score.probability:.4f}")]
            cells += [""] * (2 * NAMES - len(cells))
            cells.append("yes" if row.unknown else "no" if row.scores else "")
        else:
            cells = ["" if row.count is None else str(row.count)]
        table.writerow([harmless(row.name), *cells, harmless(row.reason), *([harmless(truth or "")] * known)])
    return text.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """A cell's text, with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text


def _pixels(waiting: list[tuple[str, Image.Image | str]]) -> int:
    return sum(photo.width * photo.height for _, photo in waiting if not isinstance(photo, str))


def _answer(
    network: Predictor,
    waiting: list[tuple[str, Image.Image | str]],
    top_k: int,
    explain: Callable[[Exception], str],
) -> list[Answered]:
    photos = [photo for _, photo in waiting if not isinstance(photo, str)]
    found = iter(_predict(network, photos, top_k, explain))
    portion = []
    for name, photo in waiting:
        if isinstance(photo, str):
            portion.append(Answered(name, None, photo, None))
        elif isinstance(answer := next(found), str):
            portion.append(Answered(name, None, answer, photo))
        else:
            portion.append(Answered(name, answer, "", photo))
    return portion


def _predict(
    network: Predictor, photos: list[Image.Image], top_k: int, explain: Callable[[Exception], str]
) -> list[Result | str]:
    """An answer for each photo, or why there is none."""
    if not photos:
        return []
    try:
        return [*network.many(photos, top_k)]
    except Exception as error:
        if len(photos) == 1:
            return [explain(error)]
    # Something is wrong with one of them: which one shows when they come one by one.
    return [answer for photo in photos for answer in _predict(network, [photo], top_k, explain)]


def _row(answered: Answered) -> Row:
    small = overlay.fit_within(answered.photo, THUMBNAIL_SIDE) if answered.photo else None
    answer = answered.answer
    if answer is None:
        return Row(answered.name, reason=answered.reason, thumbnail=small)
    return Row(
        answered.name,
        scores=answer.scores,
        count=answer.count,
        unknown=answer.unknown,
        missing_rows=answer.missing_rows,
        gpu_full=answer.gpu_full,
        gpu_failed=answer.gpu_failed,
        thumbnail=small,
        embedding=answer.embedding,
    )
