"""What visitors teach the page: kept by session, in memory, until the visitor leaves or a time after the last use."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from time import monotonic

import numpy as np

from resnet_demo.errors import UserError
from resnet_demo.images import archives
from resnet_demo.images.class_folders import classes_by_name
from resnet_demo.inference.base import Predictor
from resnet_demo.page import result_cache
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.limits import Limits
from resnet_demo.teach import features, head

MAX_LESSONS = 64  # lessons at a time: 500 photos are 4 MB of features and 3 MB of thumbnails
LONGEST_NAME = 60  # characters of a class's name

limits = Limits()  # of this server


@dataclass(frozen=True, eq=False)
class Upload:
    """Files that were given at once.

    Attributes:
        files: their paths and names.
        typed: the class that was typed for them, or nothing.
        labels: the classes that were in them.
        gone: those of these that were removed since.
    """

    files: Sequence[tuple[str, str]]
    typed: str
    labels: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    @property
    def in_use(self) -> bool:
        """Whether any of its classes is still there; so before its photos were looked at, too."""
        return not self.labels or bool(self.labels - self.gone)


@dataclass(frozen=True, eq=False)
class Example:
    """A photo that teaches a class: ``picture`` is the path of its thumbnail."""

    name: str
    label: str
    features: np.ndarray
    picture: str


@dataclass(eq=False)
class Lesson:
    """What one visitor has taught so far.

    Attributes:
        examples: the photos, in the order in which they came.
        bad: name and reason of each file that could not be used.
        queue: what was given while something else is looked at.
        uploads: what was looked at, to do so again with another network.
        waiting: files that came without the name of a class.
        trunk: task and depth of the network that made the features.
        taught: None until there are two classes of two photos.
        files: paths of all that was sent and made for it.
        tokens: of its answers in ``result_cache``.
        lock: held by whoever changes it. Not a re-entrant one: Gradio may go on with a generator in another thread.
        ended: its visitor has gone.
    """

    examples: list[Example] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    queue: deque[Upload] = field(default_factory=deque)
    uploads: list[Upload] = field(default_factory=list)
    waiting: Sequence[tuple[str, str]] = ()
    trunk: tuple[str, int] | None = None
    taught: head.Taught | None = None
    files: set[str] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    used: float = field(default_factory=monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: bool = False

    @property
    def names(self) -> list[str]:
        """The classes, in the order in which they came."""
        return list(dict.fromkeys(example.label for example in self.examples))

    def take_in(self, upload: Upload) -> None:
        """Further files, to be looked at in their turn."""
        self.files |= {path for path, _ in upload.files}
        self.queue.append(upload)

    def add(
        self, upload: Upload, network: Predictor, explain: Callable[[Exception], str], thumbnail: Callable
    ) -> Iterator[tuple[int, int]]:
        """Look at further files → how many are done, and how many there are.

        Args:
            thumbnail: writes one → its path.

        Raises:
            UserError: too much, or nobody knows of which class; nothing was added then.
        """
        self.files |= {path for path, _ in upload.files}
        try:
            with archives.opened(upload.files) as sources:
                labels = self._labels(upload, sources)
                if upload.gone:
                    gone = {name.lower() for name in upload.gone}
                    pairs = [pair for pair in zip(sources, labels, strict=True) if pair[1].lower() not in gone]
                    sources, labels = [source for source, _ in pairs], [label for _, label in pairs]
                    if not pairs:
                        return
                self._check(upload, set(labels), len(sources))
                self.uploads.append(upload)
                upload.labels.update(labels)
                self.waiting = ()
                looked = zip(features.look(network, sources, explain), labels, strict=True)
                for done, (photo, label) in enumerate(looked, 1):
                    if photo.features is None:
                        self.bad.append((photo.name, photo.reason))
                    else:
                        picture = thumbnail(photo.thumbnail)
                        self.files.add(picture)
                        self.examples.append(Example(photo.name, label, photo.features, picture))
                    self.used = monotonic()
                    yield done, len(sources)
        finally:
            if self.ended:
                self.end()  # Of what came after its visitor had gone, too.

    def _labels(self, upload: Upload, sources: Sequence[archives.Source]) -> list[str]:
        """The class of each file: its folder in an archive, else what was typed, else what the archive is called."""
        typed = " ".join(upload.typed.split())[:LONGEST_NAME]
        stem = PurePosixPath(upload.files[0][1]).stem if upload.files else ""
        only = stem if len(upload.files) == 1 and sources and sources[0].name != upload.files[0][1] else ""
        found = [label[:LONGEST_NAME] or typed or only for label in classes_by_name([one.name for one in sources])]
        # Two spellings of a class that is there already are one class.
        known = {name.lower(): name for name in reversed([*self.names, *found])}
        if not all(found):
            self.waiting = upload.files
            raise UserError(say("teach_no_name"))
        return [known[name.lower()] for name in found]

    def _check(self, upload: Upload, labels: set[str], count: int) -> None:
        if not count:
            raise UserError(say("many_empty"))
        if len({*self.names, *labels}) > limits.teach_classes:
            raise UserError(say("teach_classes", most=limits.teach_classes))
        if len(self.examples) + count > limits.teach_photos:
            raise UserError(say("teach_photos", most=limits.teach_photos, there=len(self.examples), more=count))
        size = sum(os.path.getsize(path) for path in sent([*self.uploads, upload]))
        if size > limits.teach_mb * 1_000_000:
            raise UserError(say("teach_mb", most=limits.teach_mb))

    def again(
        self, network: Predictor, explain: Callable[[Exception], str], thumbnail: Callable
    ) -> Iterator[tuple[int, int]]:
        """Look at all files once more, by another network; as ``add``."""
        uploads = [upload for upload in self.uploads if upload.in_use]
        if not all(os.path.exists(path) for upload in uploads for path, _ in upload.files):
            raise UserError(say("photo_gone"))  # What was taught stays as it is.
        names, before = self.names, (self.examples, self.bad, self.uploads)
        self.examples, self.bad, self.uploads = [], [], []
        try:
            for upload in uploads:
                yield from self.add(upload, network, explain, thumbnail)
        except BaseException:
            self.examples, self.bad, self.uploads = before
            raise
        for name in set(self.names) - set(names):
            self.remove(name)  # It was removed before.
        # The page shows the old thumbnails until now.
        old = {example.picture for example in before[0]}
        delete(old)
        self.files -= old

    def remove(self, label: str) -> None:
        """Forget a class and its photos."""
        for upload in self.uploads:
            upload.gone.add(label)
        gone = [example for example in self.examples if example.label == label]
        self.examples = [example for example in self.examples if example.label != label]
        delete({example.picture for example in gone})
        self.files -= {example.picture for example in gone}

    def solve(self, network: Predictor, name: str) -> head.Taught | None:
        """Teach what there is, as a task of this name; None as long as it is too little."""
        names = self.names
        labels = np.array([names.index(example.label) for example in self.examples], np.int64)
        if len(names) < 2 or np.bincount(labels).min() < head.LEAST:
            self.taught = None
        else:
            known = np.stack([example.features for example in self.examples])
            self.taught = head.teach(network, name, names, known, labels)
        return self.taught

    def end(self) -> None:
        """Delete all files that were sent and made for it, and its answers. What others sent too stays theirs: Gradio
        has one file for the same photos of two visitors."""
        self.ended = True
        delete(set(self.files) - files(but=self))
        result_cache.drop(list(self.tokens))


def sent(uploads: Iterable[Upload]) -> set[str]:
    """Paths of the files that were sent and are still there; of those whose classes were all removed none."""
    return {path for upload in uploads if upload.in_use for path, _ in upload.files if os.path.exists(path)}


def files(but: Lesson | None = None) -> set[str]:
    """Paths of all that was sent and made for lessons that are not over."""
    with _lock:
        return {path for lesson in _lessons.values() if lesson is not but for path in set(lesson.files)}


def delete(paths: set[str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)


_lessons: OrderedDict[str, Lesson] = OrderedDict()  # by session, the one used last at the end
_lock = threading.Lock()


def of(session: str | None) -> Lesson:
    """The lesson of a session, a new one where there is none."""
    gone = []
    with _lock:
        lesson = _lessons.pop(session or "", None) or Lesson()
        lesson.used = monotonic()
        _lessons[session or ""] = lesson
        while len(_lessons) > MAX_LESSONS:
            gone.append(_lessons.popitem(last=False)[1])
    for old in gone:
        old.end()
    return lesson


def end(session: str | None) -> None:
    """Whoever had this session has gone: so does the lesson, with all its files."""
    with _lock:
        lesson = _lessons.pop(session or "", None)
    if lesson:
        lesson.end()


def forget(seconds: float) -> None:
    """End the lessons that were not used for so many seconds."""
    with _lock:
        old = [session for session, lesson in _lessons.items() if monotonic() - lesson.used >= seconds]
    for session in old:
        end(session)
