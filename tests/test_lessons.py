"""What visitors teach the page: sessions are separate, limits have their sentences, and nothing stays afterwards."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny

from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.page import lessons, result_cache
from resnet_demo.page.lessons import Upload
from resnet_demo.page.limits import Limits
from resnet_demo.page.tabs import teach, teach_view
from resnet_demo.tasks import TaskSpec

THINGS = TaskSpec("imagenet1k", "classification", labels=("ball", "cup", "hat"), size=64, resize=64)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    with tiny.page_weights(tmp_path_factory, (THINGS, 18), (tiny.FLOWERS, 34)):
        yield predictor.load("imagenet1k", 18, "cpu")


@pytest.fixture(autouse=True)
def no_lessons(monkeypatch):
    monkeypatch.setattr(lessons, "limits", Limits())
    yield
    for session in list(lessons._lessons):
        lessons.end(session)


def sent(folder: Path, count: int, seed: int = 0) -> list[tuple[str, str]]:
    """So many photos as the browser sends them: paths and names."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        tiny.photo(seed=seed + index).save(folder / f"{seed + index}.png")
    return [(str(folder / f"{seed + index}.png"), f"{seed + index}.png") for index in range(count)]


def archive(path: Path, **classes: int) -> list[tuple[str, str]]:
    with zipfile.ZipFile(path, "w") as file:
        for number, (name, count) in enumerate(classes.items()):
            for place, _ in sent(path.parent / name, count, 100 * number):
                file.write(place, f"pets/{name}/{Path(place).name}")
        file.writestr("pets/cat/readme.txt", "cats")
    return [(str(path), path.name)]


def thumbnail_in(folder: Path):
    def write(small) -> str:
        path = folder / f"thumbnail-{len(list(folder.glob('thumbnail-*')))}.jpg"
        small.save(path)
        return str(path)

    return write


def add(lesson, files, typed, network, folder) -> list[tuple[int, int]]:
    return list(lesson.add(Upload(files, typed), network, str, thumbnail_in(folder)))


def test_classes_come_by_name_and_by_the_folders_of_an_archive(network, tmp_path):
    lesson = lessons.of("a")
    assert add(lesson, sent(tmp_path / "one", 3), " Big  birds ", network, tmp_path)[-1] == (3, 3)
    assert lesson.solve(network, "pets") is None
    add(lesson, archive(tmp_path / "pets.zip", cat=2, dog=3), "", network, tmp_path)
    add(lesson, sent(tmp_path / "two", 1, 50), "CAT", network, tmp_path)  # the same class
    assert lesson.names == ["Big birds", "cat", "dog"]
    assert [name for name, _ in lesson.bad] == ["pets/cat/readme.txt"]
    taught = lesson.solve(network, "pets")
    assert taught.checkpoint.spec.labels == ("Big birds", "cat", "dog") and len(taught.labels) == 9
    lesson.remove("dog")
    assert lesson.solve(network, "pets").checkpoint.spec.labels == ("Big birds", "cat")


def test_photos_without_a_name_wait_for_one(network, tmp_path):
    lesson, files = lessons.of("a"), sent(tmp_path / "one", 2)
    with pytest.raises(UserError, match="Which class is this"):
        add(lesson, files, "  ", network, tmp_path)
    assert lesson.waiting == files and not lesson.examples
    add(lesson, lesson.waiting, "cat", network, tmp_path)
    assert not lesson.waiting and lesson.names == ["cat"]


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"teach_classes": 2}, "At most 2 classes"),
        ({"teach_photos": 6}, "There are 2 photos, and 6 more would be over the limit of 6"),
        ({"teach_mb": 0}, "more than 0 MB together"),
    ],
)
def test_a_limit_that_is_reached_says_so_and_what_is_there_stays(network, tmp_path, monkeypatch, limit, sentence):
    lesson = lessons.of("a")
    add(lesson, sent(tmp_path / "one", 2), "bird", network, tmp_path)
    monkeypatch.setattr(lessons, "limits", Limits(**limit))
    with pytest.raises(UserError, match=sentence):
        add(lesson, archive(tmp_path / "pets.zip", cat=2, dog=3), "", network, tmp_path)
    assert lesson.names == ["bird"] and len(lesson.examples) == 2


def test_another_network_looks_at_the_same_photos(network, tmp_path):
    lesson = lessons.of("a")
    add(lesson, archive(tmp_path / "pets.zip", cat=2, dog=2, bird=2), "", network, tmp_path)
    lesson.remove("bird")
    other = predictor.load("flowers102", 34, "cpu")
    assert list(lesson.again(other, str, thumbnail_in(tmp_path)))[-1] == (5, 5)
    assert lesson.names == ["cat", "dog"] and len(lesson.bad) == 1
    assert lesson.solve(other, "pets").checkpoint.depth == 34


def test_photos_that_were_removed_do_not_come_back_with_their_class(network, tmp_path):
    lesson, thumbnail = lessons.of("one"), thumbnail_in(tmp_path)

    def add(folder: str, count: int, typed: str, seed: int) -> None:
        list(lesson.add(Upload(sent(tmp_path / folder, count, seed), typed), network, str, thumbnail))

    add("wrong", 3, "cats", 0)
    add("dogs", 2, "dogs", 50)
    add("odd", 2, "Cats", 70)
    before = lessons.sent(lesson.uploads)
    lesson.remove("cats")
    assert len(lessons.sent(lesson.uploads)) == len(before) - 5  # They count no more.
    add("right", 2, "Cats", 90)
    for path, _ in lesson.uploads[0].files:
        Path(path).unlink()  # Nobody needs them, so they may be swept.
    list(lesson.again(predictor.load("flowers102", 34, "cpu"), str, thumbnail))
    assert [example.name for example in lesson.examples if example.label == "Cats"] == ["90.png", "91.png"]
    assert [example.label for example in lesson.examples].count("dogs") == 2


def test_what_was_taught_stays_where_its_photos_are_gone(network, tmp_path):
    lesson = lessons.of("a")
    add(lesson, sent(tmp_path / "cats", 2), "cats", network, tmp_path)
    add(lesson, sent(tmp_path / "dogs", 2, 20), "dogs", network, tmp_path)
    assert {path for path, _ in lesson.uploads[0].files} <= lessons.files()  # which the sweeper leaves alone
    Path(lesson.uploads[0].files[0][0]).unlink()
    with pytest.raises(UserError, match="no longer on the server"):
        list(lesson.again(predictor.load("flowers102", 34, "cpu"), str, thumbnail_in(tmp_path)))
    assert lesson.names == ["cats", "dogs"] and len(lesson.examples) == 4


def test_sessions_are_separate_and_nothing_stays_after_one(network, tmp_path):
    here, there = lessons.of("a"), lessons.of("b")
    assert lessons.of("a") is here and here is not there
    for lesson, folder in ((here, tmp_path / "here"), (there, tmp_path / "there")):
        folder.mkdir()
        add(lesson, archive(folder / "pets.zip", cat=2, dog=2), "", network, folder)
        lesson.solve(network, "pets")
    photo = sent(tmp_path / "here" / "try", 1, 70)[0][0]
    token = result_cache.keep(teach.answer(here, network, photo))
    here.tokens.append(token)
    checkpoint = Path(teach.checkpoint_file(here, network, "pets"))
    thumbnails = [Path(example.picture) for example in here.examples]
    assert checkpoint.name == "pets-resnet18.zip" and all(path.is_file() for path in thumbnails)
    lessons.end("a")
    gone = [checkpoint, Path(photo), tmp_path / "here" / "pets.zip", *thumbnails]
    assert [path for path in gone if path.exists()] == []
    with pytest.raises(UserError):
        result_cache.find(token)
    assert (tmp_path / "there" / "pets.zip").exists() and lessons.of("b") is there
    assert lessons.of("a").names == []


def test_nothing_stays_of_one_who_leaves_while_photos_are_looked_at(network, tmp_path):
    lesson, files = lessons.of("a"), sent(tmp_path / "one", 3)
    steps = lesson.add(Upload(files, "cat"), network, str, thumbnail_in(tmp_path))
    next(steps)
    lessons.end("a")
    assert len(list(steps)) == 2
    assert not [path for path in (*lesson.files, *(path for path, _ in files)) if Path(path).exists()]


def test_photos_that_two_visitors_sent_stay_until_both_have_gone(network, tmp_path):
    """Gradio has one file for the same content and name, whoever sent it."""
    files = archive(tmp_path / "pets.zip", cat=2, dog=2)
    here, there = lessons.of("a"), lessons.of("b")
    for lesson in (here, there):
        add(lesson, files, "", network, tmp_path)
    lessons.end("a")
    list(there.again(network, str, thumbnail_in(tmp_path)))
    assert there.names == ["cat", "dog"] and len(there.examples) == 4
    lessons.end("b")
    assert not (tmp_path / "pets.zip").exists()


def test_what_was_swept_away_meanwhile_gets_its_sentence(network, tmp_path):
    lesson, files = lessons.of("a"), archive(tmp_path / "pets.zip", cat=2, dog=2)
    add(lesson, files, "", network, tmp_path)
    (tmp_path / "pets.zip").unlink()
    with pytest.raises(UserError):
        list(lesson.again(network, str, thumbnail_in(tmp_path)))
    assert lesson.names == ["cat", "dog"]


def test_a_lesson_may_go_on_in_another_thread():
    """Gradio asks for each step of a generator in whatever thread is free."""
    lesson = lessons.of("a")
    with ThreadPoolExecutor(1) as other:
        other.submit(lesson.lock.acquire).result()
        lesson.lock.release()
    assert lesson.lock.acquire(blocking=False)


def test_what_nobody_uses_is_forgotten_and_the_oldest_of_too_many(network, tmp_path, monkeypatch):
    add(lessons.of("a"), sent(tmp_path / "one", 2), "cat", network, tmp_path)
    lessons.forget(60)
    assert lessons.of("a").names == ["cat"]
    monkeypatch.setattr(lessons, "MAX_LESSONS", 2)
    lessons.of("b"), lessons.of("a"), lessons.of("c")
    assert list(lessons._lessons) == ["a", "c"]
    lessons.forget(0)
    assert not lessons._lessons and not (tmp_path / "one" / "0.png").exists()


def test_names_of_strangers_are_escaped(network, tmp_path):
    lesson = lessons.of("a")
    add(lesson, sent(tmp_path / "one", 2), "<b>cat</b>", network, tmp_path)
    add(lesson, [(path, "<i>.png") for path, _ in sent(tmp_path / "two", 2, 9)], '"dog"', network, tmp_path)
    lesson.bad.append(("<u>.txt", "No <picture>."))
    lesson.solve(network, "pets")
    shown = teach_view.class_rows(lesson) + teach_view.matrix(lesson) + teach_view.words(lesson, "x")
    assert not any(word in shown for word in ("<b>cat", "<i>", "<u>", "<picture>", 'label="&quot;dog"'))
    assert "&lt;b&gt;cat" in shown


def test_a_checkpoint_needs_something_taught_and_a_sound_name(network, tmp_path):
    lesson = lessons.of("a")
    with pytest.raises(UserError, match="Nothing is taught yet"):
        teach.checkpoint_file(lesson, network, "pets")
    add(lesson, archive(tmp_path / "pets.zip", cat=2, dog=2), "", network, tmp_path)
    with pytest.raises(UserError, match="small letters"):
        teach.checkpoint_file(lesson, network, "My Pets")
    with pytest.raises(UserError, match="Nothing is taught yet"):
        teach.answer(lessons.of("b"), network, tmp_path / "one.png")
