"""The page without a browser: what its endpoints answer, what it says, and how it is put together."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import tiny
from conftest import EXAMPLES, ROOT
from gradio_client import Client, handle_file
from PIL import Image

import resnet_demo
from resnet_demo import tasks
from resnet_demo.checkpoints import Metric, class_stats
from resnet_demo.errors import UserError
from resnet_demo.inference.results import Score
from resnet_demo.models import cost, resnet
from resnet_demo.page import app, catalog, events, result_cache
from resnet_demo.page import endpoints as page_endpoints
from resnet_demo.page.i18n import en, texts
from resnet_demo.page.tabs import classify, compare, compare_cards, compare_plot, faces, lab
from resnet_demo.page.widgets import class_list, truth, viewer
from resnet_demo.page.widgets import inputs as widget_inputs
from resnet_demo.page.widgets import photo as photo_widget
from resnet_demo.tasks import TaskSpec

PAGE = ROOT / "resnet_demo" / "page"
PETS = TaskSpec("pets", "classification", labels=("cat", "dog"), size=32, resize=36)
HANDS = TaskSpec("hands", "keypoints", points=5, size=32, fit="squash", detector="")
FLOWERS5 = TaskSpec("flowers5", "classification", labels=("daisy", "rose <b>", "tulip"), size=32, resize=36)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random networks: two depths for flowers102, one for flowers5, faces68 and two tasks of own pictures."""
    models = (tiny.FLOWERS, 18), (tiny.FLOWERS, 34), (FLOWERS5, 18), (tiny.FACES, 18), (PETS, 18), (HANDS, 18)
    with tiny.page_weights(tmp_path_factory, *models) as root:
        yield root


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "garden.jpg"
    tiny.photo(300, 200).save(path)
    return str(path)


def picture(path: str) -> Image.Image:
    with Image.open(path) as image:
        assert image.format == "JPEG"
        return image.convert("RGB")


# --- Endpoints --------------------------------------------------------------------------------------------------------


def test_classify_gives_scores_overlay_and_details(weights, photo):
    scores, overlay, details = classify.classify(photo, "flowers102", 18, 3, "")
    assert len(scores) == 3
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert picture(overlay).size == (300, 200)
    assert details["image"] == "garden.jpg"
    assert [score["label"] for score in details["top_k"]] == list(scores)
    assert (details["task"], details["depth"]) == ("flowers102", 18)
    assert details["milliseconds"]["total"] > 0


def test_classify_shows_the_heat_of_the_wanted_class(weights, photo):
    scores, top, _ = classify.classify(photo, "flowers102", 18, 4, None)
    best, *_, worst = scores
    named = classify.classify(photo, "flowers102", 18, 4, best)[1]
    other = classify.classify(photo, "flowers102", 18, 4, worst)[1]
    assert picture(named) == picture(top)
    assert np.abs(np.asarray(picture(other), int) - np.asarray(picture(top), int)).mean() > 1


def test_large_photos_are_shown_at_display_size(weights, tmp_path):
    path = str(tmp_path / "large.jpg")
    tiny.photo(3000, 1500).save(path)
    assert picture(classify.classify(path, "flowers102", 18, 1, "")[1]).size == (1280, 640)
    marked, heat, _ = faces.keypoints(path, 18, "all")
    assert picture(marked).size == (3000, 1500)
    assert picture(heat).size == (1280, 640)


def test_keypoints_of_a_photo_without_faces(weights, photo):
    marked, heat, details = faces.keypoints(photo, 18, "mouth")
    assert details["faces"] == []
    assert picture(marked).size == picture(heat).size == (300, 200)


def test_keypoints_mark_each_face(weights):
    path = str(EXAMPLES / "astronaut.jpg")
    marked, heat, details = faces.keypoints(path, 18, "eyes")
    assert len(details["faces"]) == 1
    assert np.shape(details["faces"][0]["keypoints"]) == (68, 2)
    before = np.asarray(Image.open(path).convert("RGB"), int)
    for drawn in (marked, heat):
        assert (np.abs(np.asarray(picture(drawn), int) - before).max(axis=2) > 60).sum() > 50


def test_compare_lines_up_the_depths(weights, photo):
    gallery, table, details = compare.compare(photo, "flowers102", [34, 18, 18])
    assert [caption.split(" · ")[0] for _, caption in gallery] == ["ResNet-18", "ResNet-34"]
    assert [line[0] for line in table] == [18, 34]
    assert all(len(line) == len(compare.COLUMNS) for line in table)
    assert table[0][-1] == "0.5 % top-1"
    assert [result["depth"] for result in details["results"]] == [18, 34]
    assert details["results"][0]["top_k"][0]["label"] == table[0][1]
    assert details["results"][0]["image"] == "garden.jpg"


def test_two_inputs_at_once_are_both_of_the_same_task(weights, photo, monkeypatch):
    """The browser sends the second with all controls as they were before the first is answered; of what is kept on the
    server, it meets what the first has left."""
    made = []
    monkeypatch.setattr(compare, "connect", made.append)
    with gr.Blocks():
        compare.build()
    form = made[0].form
    before = compare.Question(photo, "flowers102", [18, 34])
    sent = {form.parts["photo"]: photo, form.parts["task"]: "pets", form.parts["depth"]: [18, 34]}
    sent |= {form.answered: before, form.last_task: "flowers102"}
    first = events.plan(form, sent)
    assert first.question == compare.Question(photo, "pets", [18])
    left = {**first.now, **events.succeeded(form, first.question, {})}
    second = events.plan(form, sent | {part: value for part, value in left.items() if part.stateful})
    assert second == events.Plan(first.now)  # No further answer, and no word about depths without weights.


def test_an_answer_leaves_controls_alone_that_hold_its_values_already(weights, photo, monkeypatch):
    """A depth or class that the visitor chose while the answer was due would else be set back."""
    made = []
    monkeypatch.setattr(classify, "connect", lambda listener, *_: made.append(listener))
    with gr.Blocks():
        classify.build()
    form = made[0].form
    depth, target = form.parts["depth"], form.parts["target"]
    asked = classify.Question(photo, "pets", 18, 5, "")
    sent = {part: getattr(asked, name) for name, part in form.parts.items()}
    sent |= {form.last_task: "flowers102", form.answered: None}
    found = events.plan(form, sent)
    assert found.question == asked and "value" not in found.now[depth] and "value" not in found.now[target]
    assert target not in events.plan(form, sent | {form.last_task: "pets"}).now
    # What the new task or photo lacks goes.
    found = events.plan(form, sent | {depth: 34, target: "Rose"})
    assert found.question == asked and found.now[depth]["value"] == 18 and found.now[target]["value"] == ""
    assert events.plan(form, sent | {target: "Rose", form.last_task: "pets"}).now[target] == ""


def test_what_failed_or_is_kept_no_more_is_answered_anew_though_the_question_is_the_same(weights, photo, monkeypatch):
    made = []
    monkeypatch.setattr(classify, "connect", lambda listener, *_: made.append(listener))
    with gr.Blocks():
        classify.build()
    form, answer = made[0].form, made[0].answer
    asked = classify.Question(photo, "flowers102", 18, 5, "")
    sent = {part: getattr(asked, name) for name, part in form.parts.items()} | {form.last_task: "flowers102"}
    shown = made[0].show(asked)
    sent |= {part: value for part, value in shown.items() if part.stateful}
    assert events.plan(form, sent).question is None
    result_cache.drop([answer(asked)["view"]["token"], shown[form.shown["view"]]["token"]])
    assert events.plan(form, sent).question == asked
    failed = events.failed(form, UserError("No."))
    assert events.plan(form, {**sent, **made[0].show(asked), form.last: failed[form.last]}).question == asked


def test_an_example_without_a_depth_gets_a_sentence(weights):
    with pytest.raises(UserError, match="Choose at least one depth"):
        next(compare.answer(compare.Question(str(EXAMPLES / "dahlia.jpg"), "flowers102", [])))


def test_a_kept_region_is_left_aside_where_points_have_none(weights, monkeypatch):
    assert faces.restored({"region": "mouth"})["region"]["value"] == "mouth"
    monkeypatch.setattr(catalog, "has_regions", lambda task: False)
    assert "value" not in faces.restored({"region": "mouth"}).get("region", {})


def test_compare_faces(weights):
    gallery, table, details = compare.compare(str(EXAMPLES / "astronaut.jpg"), "faces68", [18])
    assert gallery[0][1] == "ResNet-18 · 1 face"
    assert table[0][2] is None
    assert len(details["results"][0]["faces"]) == 1


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((None, "flowers102", 18, 5, ""), "Choose a photo first"),
        (("gone.jpg", "flowers102", 18, 5, ""), "no longer on the server"),
        (("PHOTO", "flowers102", 101, 5, ""), "There is no ResNet-101 for 102 flowers yet.*ResNet-18 or ResNet-34"),
        (("PHOTO", "birds", 18, 5, ""), "no weights for the task 'birds'"),
        (("PHOTO", "imagenet1k", 18, 5, ""), "no weights for the task 'imagenet1k'"),
        (("PHOTO", "faces68", 18, 5, ""), "Faces"),
        (("PHOTO", "flowers102", 18, 11, ""), "1 to 10"),
        (("PHOTO", "flowers102", 18, 2.5, ""), "1 to 10"),
        (("PHOTO", "flowers102", 18, 5, "Rosa"), "Did you mean 'Rose'"),
    ],
)
def test_classify_says_what_is_wrong(weights, photo, inputs, words):
    inputs = tuple(photo if value == "PHOTO" else value for value in inputs)
    with pytest.raises(UserError, match=words):
        classify.classify(*inputs)


def test_other_endpoints_say_what_is_wrong(weights, photo):
    with pytest.raises(UserError, match="no face region 'ears'"):
        faces.keypoints(photo, 18, "ears")
    with pytest.raises(UserError, match="at least one depth"):
        compare.compare(photo, "flowers102", [])
    with pytest.raises(UserError, match="pets has no keypoints. Use the Classify tab"):
        faces.keypoints(photo, 18, "all", "pets")
    with pytest.raises(UserError, match="no ResNet-50"):
        compare.compare(photo, "flowers102", [18, 50])


def test_a_broken_file_is_a_sentence_without_html(weights, tmp_path, caplog):
    path = tmp_path / "<b>broken.jpg"
    path.write_bytes(b"not a picture")
    with pytest.raises(gr.Error) as caught:
        page_endpoints.endpoint(classify.classify)(str(path), "flowers102", 18, 5, "")
    assert caught.value.message.startswith("The file '&lt;b&gt;broken.jpg' is not a picture")
    assert not caught.value.print_exception
    assert not caplog.records


def test_the_unexpected_is_logged_and_kept_from_people(caplog):
    def fails():
        raise RuntimeError("secret /path")

    with pytest.raises(gr.Error) as caught:
        page_endpoints.endpoint(fails)()
    assert caught.value.message == texts.say("unexpected")
    assert "secret /path" in caplog.text


# --- Words ------------------------------------------------------------------------------------------------------------


def test_the_darker_border_is_explained(weights, photo):
    assert "only at the bright part" in classify.words(
        classify.predict(photo, "flowers5", 18, 3)
    )  # It sees the middle square only.


def test_few_pixels_are_said(weights, photo):
    assert "It sees the photo as 32 × 32 pixels." in classify.words(classify.predict(photo, "flowers5", 18, 3))
    assert "sees the photo as" not in classify.words(classify.predict(photo, "flowers102", 18, 3))


def test_a_class_has_its_other_names_with_and_without_a_latin_one():
    cat, rose, own = (class_stats.ClassFacts(label) for label in ("cat", "Rose", "ant"))
    assert class_list.card_of("cifar10", cat) == [["Also", "猫"]]
    assert class_list.card_of("flowers102", rose)[0][1].endswith(" · Rosa")
    assert class_list.card_of("pets", own) == []


def test_class_names_are_shown_as_text(weights, photo):
    card = next(compare.answers(photo, "flowers5", [18]))
    filled = compare_cards.filled(replace(card, name="rose <b>"), "ResNet-18", False, None)
    assert "rose &lt;b&gt;" in filled and "rose <b>" not in filled


def test_keypoints_of_own_pictures_are_the_whole_photos(weights, photo):
    marked, heat, details = faces.keypoints(photo, 18, "all", "hands")
    assert details["faces"][0]["box"] == [0, 0, 300, 200]
    assert len(details["faces"][0]["keypoints"]) == 5
    assert picture(marked).size == picture(heat).size == (300, 200)
    said = faces.words(faces.predict(photo, 18, "all", "hands"))
    assert "5 points" in said and "face" not in said
    assert compare.compare(photo, "hands", [18])[1][0][1] == "5 points"
    with pytest.raises(UserError, match="no face region 'mouth'"):
        faces.keypoints(photo, 18, "mouth", "hands")


def test_no_face_is_no_error(weights, photo):
    found = faces.predict(photo, 18, "all")
    assert "No face found" in faces.words(found)
    assert 'role="alert"' not in faces.words(found)


# What the words look at in the result of a whole photo.
SOUND = SimpleNamespace(
    task="flowers102", missing_rows=0.0, gpu_full=False, gpu_failed=False, unknown=False, keypoints=[]
)


def card_of(depth: int, name: str = "Rose", result=SOUND) -> compare_cards.Card:
    line = compare_cards.Line(depth, name, 0.5, 12.0, 11.2, 1.8, "90.0 % top-1")
    return compare_cards.Card(depth, "/heat.jpg", name, 0.5, line, result)


def test_rows_that_are_missing_and_a_gpu_that_did_not_answer_are_said_beside_the_answer():
    full = SimpleNamespace(missing_rows=0.021, gpu_full=True, gpu_failed=False, unknown=False, keypoints=[])
    failed = SimpleNamespace(missing_rows=0.0, gpu_full=False, gpu_failed=True, unknown=False, keypoints=[])
    sentence = "The GPU's memory is full, so the CPU answered."
    assert page_endpoints.photo_lines(SOUND) == []
    assert page_endpoints.photo_lines(SOUND, full)[1:] == [sentence]
    assert page_endpoints.photo_lines(SOUND, failed) == ["The GPU failed, so the CPU answered."]
    assert sentence in compare_cards.words(titled(18), {18: card_of(18, result=full)}, 5)


def titled(*depths: int) -> dict[int, str]:
    return {depth: f"ResNet-{depth}" for depth in depths}


def cards_of(**names: str) -> dict[int, compare_cards.Card]:
    return {int(depth[1:]): card_of(int(depth[1:]), name) for depth, name in names.items()}


def test_what_the_depths_agree_on_is_said_and_who_differs_is_marked():
    same = cards_of(d18="Rose", d34="Rose")
    assert "All 2 depths say the same: <b>Rose</b>" in compare_cards.words(titled(18, 34), same, 5)
    assert "is-odd" not in compare_cards.cards_html(titled(18, 34), same)

    split = cards_of(d18="Tulip", d34="Rose", d50="Rose", d101="Rose")
    said = compare_cards.words(titled(18, 34, 50, 101), split, 5)
    assert "The depths disagree" in said
    assert "ResNet-34, 50 and 101: <b>Rose</b>; ResNet-18: <b>Tulip</b>." in said
    drawn = compare_cards.cards_html(titled(18, 34, 50, 101), split)
    assert drawn.count("is-odd") == 1 and drawn.index("is-odd") < drawn.index("ResNet-18")

    mixed = compare_cards.words(titled(18, 34) | {50: "ResNeXt-50"}, cards_of(d18="Tulip", d34="Rose", d50="Rose"), 5)
    assert "ResNet-34 and ResNeXt-50: <b>Rose</b>; ResNet-18: <b>Tulip</b>." in mixed
    assert compare_cards.outliers(cards_of(d18="Tulip", d34="Rose")) == {18, 34}  # Nobody knows who is right.


def test_cards_wait_until_their_depth_has_looked():
    half = cards_of(d18="Rose")
    drawn = compare_cards.cards_html(titled(18, 152), half)
    assert drawn.count("is-waiting") == 1 and "ResNet-152" in drawn
    assert "1 of 2 depths" in compare_cards.words(titled(18, 152), half, 5)


@pytest.mark.parametrize(("available", "words"), [(5, "Tick more"), (1, "so far")])
def test_one_depth_alone_is_no_comparison(available, words):
    assert words in compare_cards.words(titled(18), cards_of(d18="Rose"), available)


def test_how_far_the_depths_points_lie_apart_is_said(weights):
    path = str(EXAMPLES / "astronaut.jpg")
    found = faces.predict(path, 18, "all")
    face = found.faces[0]
    eyes = np.linalg.norm(face.keypoints[36] - face.keypoints[45])
    moved = replace(found, faces=(replace(face, keypoints=face.keypoints + np.float32([0, 0.1 * eyes])),))
    both = {18: card_of(18, "1 face", found), 50: card_of(50, "1 face", moved)}
    assert compare_cards.spread(both) == {18: pytest.approx(5, rel=1e-3), 50: pytest.approx(5, rel=1e-3)}
    assert "5.0 % of the distance between the eyes" in compare_cards.words(titled(18, 50), both, 5)
    assert "5.0 %" in compare_cards.cards_html(titled(18, 50), both)


def test_the_curve_marks_the_chosen_depths():
    points = [
        compare_plot.Point(18, 3.0, 90.4, True, "ResNet-18"),
        compare_plot.Point(50, 9.0, 95.1, False, "ResNeXt-50"),
        compare_plot.Point(101, 15.0, 95.3, True, "ResNet-101"),
    ]
    drawn = compare_plot.plot(points, "top-1")
    assert drawn.count('class="chosen"') == 2 and drawn.count('class="other"') == 1
    x = [float(value) for value in re.findall(r'cx="([\d.]+)"', drawn)]
    y = [float(value) for value in re.findall(r'cy="([\d.]+)"', drawn)]
    assert x == sorted(x) and y == sorted(y, reverse=True)
    assert "<title>ResNeXt-50: 9.0 ms, 95.10 %</title>" in drawn and "ResNet-101 95.30 %" in drawn
    assert compare_plot.plot(points[:1], "top-1") == ""


# --- The viewer -------------------------------------------------------------------------------------------------------


def test_the_viewer_gets_the_maps_of_all_listed_classes(weights, photo):
    prediction = classify.predict(photo, "flowers102", 18, 3)
    view = viewer.view_of(prediction, None)
    indices = [prediction.spec.labels.index(score.label) for score in prediction.top_k]
    assert set(view["maps"]) == {f"{index}/layer4" for index in indices}
    assert view["what"] == str(indices[0])
    cells = np.array(json.loads(view["maps"][f"{indices[1]}/layer4"][0]))
    np.testing.assert_allclose(cells, prediction.low_resolution_cam(indices[1]), atol=6e-4)
    # The map's corners come to lie on the window's.
    a, _, _, d, e, f = view["places"][0]
    window = prediction.window
    assert (e, f) == pytest.approx((window.left, window.top))
    assert (e + a * cells.shape[1], f + d * cells.shape[0]) == pytest.approx((window.right, window.bottom))
    # A class from beyond the list comes along when it is asked for.
    other = next(index for index in range(len(prediction.spec.labels)) if index not in indices)
    assert f"{other}/layer4" in viewer.view_of(prediction, other)["maps"]
    assert [row["index"] for row in class_list.listing(prediction, other)["classes"]] == [*indices, other]


def test_the_viewer_shows_the_upload_itself_where_that_is_what_the_network_saw(weights):
    upload = widget_inputs.cache_folder() / "upload one.jpg"

    def shown(**options) -> str:
        tiny.photo(300, 200).save(upload, "JPEG", **options)
        return viewer.view_of(classify.predict(str(upload), "flowers102", 18, 1), None)["photo"]

    assert shown() == widget_inputs.address(str(upload))
    turned = Image.Exif()
    turned[0x0112] = 6
    for options in ({"exif": turned}, {"icc_profile": b"unusual"}):
        assert "/photo-" in shown(**options)
    tiny.photo(2000, 100).save(upload, "JPEG")
    view = viewer.view_of(classify.predict(str(upload), "flowers102", 18, 1), None)
    assert "/photo-" in view["photo"] and view["width"] == 1280
    outside = str(EXAMPLES / "dahlia.jpg")  # The browser may not fetch it from there.
    assert "/photo-" in viewer.view_of(classify.predict(outside, "flowers102", 18, 1), None)["photo"]


def test_an_earlier_stage_needs_no_second_upload(weights, photo):
    prediction = classify.predict(photo, "flowers102", 18, 3)
    view = viewer.view_of(prediction, None)
    answer = viewer.stage_maps({"token": view["token"], "what": view["what"]})
    for stage, (cells,) in answer["maps"].items():
        cam = prediction.low_resolution_cam(int(view["what"]), stage)
        np.testing.assert_allclose(json.loads(cells), np.minimum(cam / np.percentile(cam, 99), 1), atol=6e-4)
    assert list(answer["maps"]) == ["layer1", "layer2", "layer3"]
    assert "Choose the photo again" in viewer.stage_maps({"token": "long gone", "what": "0"})["error"]


def test_every_face_has_heat_of_the_earlier_stages(weights):
    found = faces.predict(str(EXAMPLES / "two-people.jpg"), 18, "all")
    asked = {"token": viewer.view_of(found, "all")["token"], "what": "eyes", "direction": "down"}
    maps = viewer.stage_maps(asked)["maps"]
    assert [len(places) for places in maps.values()] == [len(found.faces)] * 3
    cams = [face.low_resolution_cam("eyes", "down", layer="layer2") for face in found.faces]
    assert min(cam.min() for cam in cams) < 0
    for cam, cells in zip(cams, maps["layer2"], strict=True):
        assert np.corrcoef(np.ravel(json.loads(cells)), cam.ravel())[0, 1] > 0.95


def test_the_heat_as_a_file_is_that_of_the_library(weights, photo):
    prediction = classify.predict(photo, "flowers102", 18, 3)
    view = viewer.view_of(prediction, None)
    answer = viewer.heat_file({"token": view["token"], "what": view["what"], "stage": "layer4"})
    saved = np.load(urllib.parse.unquote(answer["url"].removeprefix("gradio_api/file=")))
    np.testing.assert_array_equal(saved, prediction.cam(int(view["what"])))
    found = faces.predict(str(EXAMPLES / "astronaut.jpg"), 18, "all")
    view = viewer.view_of(found, "mouth")
    ways = ("any", "across", "down")
    assert set(view["maps"]) == {f"{region}/{way}/layer4" for region in tasks.REGIONS for way in ways}
    answer = viewer.heat_file({"token": view["token"], "what": "mouth", "stage": "layer4", "direction": "down"})
    saved = np.load(urllib.parse.unquote(answer["url"].removeprefix("gradio_api/file=")))
    np.testing.assert_array_equal(saved, found.cam("mouth", direction="down"))
    assert saved.min() < 0


def test_only_the_last_answers_are_kept(weights, photo, monkeypatch):
    monkeypatch.setattr(result_cache, "MAX_ANSWERS", 2)
    prediction = classify.predict(photo, "flowers102", 18, 1)
    first, second, third = (result_cache.keep(prediction) for _ in range(3))
    with pytest.raises(UserError, match="too long ago"):
        result_cache.find(first)
    assert result_cache.find(third).photo.size == (300, 200)
    assert not hasattr(result_cache.find(second).photo, "getpixel")  # The photo itself is not kept.


def test_metrics_are_named():
    assert compare.metric({"top5": Metric(99.0), "top1": Metric(97.53)}) == "97.5 % top-1"
    assert compare.metric({"nme_afw": Metric(4.021), "nme_udacity": Metric(4.2)}) == "NME 4.02 % (AFW)"
    assert compare.metric({"nme": Metric(3.0)}) == "NME 3.00 %"
    assert compare.metric({}) == "not measured yet"


def test_every_text_used_exists_and_every_text_is_used():
    source = "\n".join(path.read_text() for path in PAGE.rglob("*.py") if path.name not in ("en.py", "zh.py"))
    keys = set(re.findall(r"""(?:say|label)\(\s*["'](\w+)["']""", source))
    assert keys <= en.EN.keys()
    mentioned = set(re.findall(r"""["'](\w+)["']""", source))
    families = ("region_", "column_", "tab_", "viewer_", "metric_", "live_", "how_", "example_")
    unused = {key for key in en.EN.keys() - mentioned if not key.startswith(families)}
    put_together = {f"lab_{key}" for key in lab.TEXTS} | {f"truth_{key}" for key in truth.TEXTS}
    put_together |= {
        f"lab_{part}_{name}"
        for part in ("title", "lead")
        for name in ("layers", "training", "traps", "stages", "numbers")
    }
    put_together |= {
        f"lab_trap_{name}{part}" for name in ("eval", "shortcut", "relu", "head", "norms") for part in ("", "_said")
    }
    put_together |= {
        f"lab_{name}" for name in ("shortcuts", "norm", "axis_gradient", "axis_activation", "error_train", "error_test")
    }
    put_together |= {f"truth_{way}{part}" for way in ("deletion", "insertion") for part in ("", "_axis")}
    assert put_together <= en.EN.keys()
    assert unused - put_together == set()
    assert {f"region_{region}" for region in tasks.REGIONS} <= en.EN.keys()
    assert {f"column_{column}" for column in compare.COLUMNS} <= en.EN.keys()


# --- Choices ----------------------------------------------------------------------------------------------------------


def test_depths_without_weights_are_marked_with_the_reason(weights):
    assert catalog.depth_info("flowers102") == "No weights yet for 50, 101, 152."
    assert catalog.depth_classes("flowers102") == ["depths", "off-3", "off-4", "off-5"]
    assert catalog.default_depth("flowers102") == 18


def test_each_tab_offers_the_tasks_of_its_kind(weights):
    flowers_ = [("102 flowers", "flowers102"), ("5 flowers", "flowers5")]
    faces_, pets, hands = ("Face keypoints", "faces68"), ("pets", "pets"), ("hands", "hands")
    assert catalog.task_choices("classification") == [*flowers_, pets]
    assert catalog.task_choices("keypoints") == [faces_, hands]
    assert catalog.task_choices("classification", "keypoints") == [*flowers_, faces_, hands, pets]
    assert catalog.labels("pets") == ("cat", "dog")


def test_depths_are_compared_where_there_are_most(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    assert catalog.compared_task("classification", "keypoints") == catalog.first_task("classification", "keypoints")
    tiny.weights_folder(tmp_path, (replace(tiny.FLOWERS, name="garden"), 18), (tiny.FLOWERS, 18), (tiny.FLOWERS, 34))
    assert catalog.first_task("classification") == "garden"
    assert catalog.compared_task("classification", "keypoints") == "flowers102"


def test_a_task_whose_configuration_is_broken_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (PETS, 18))
    (tmp_path / "pets" / "resnet18" / "config.json").write_text('{"task": []}')
    assert catalog.task_choices("classification", "keypoints") == [
        ("102 flowers", "flowers102"),
        ("Face keypoints", "faces68"),
    ]
    app.build()


def test_where_there_is_one_task_of_a_kind_nothing_is_to_be_chosen(weights, monkeypatch, tmp_path):
    assert widget_inputs.task_input("a", "flowers102", "classification").visible
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    assert not widget_inputs.task_input("b", "faces68", "keypoints").visible


def test_no_weights_at_all(monkeypatch, tmp_path, photo):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    assert catalog.available("flowers102") == []
    assert catalog.depth_info("flowers102") == "No weights yet for any depth."
    assert app.device_line() == app.status_line("No weights are installed")
    with pytest.raises(UserError, match="no weights for 102 flowers yet"):
        classify.classify(photo, "flowers102", 50, 5, "")
    app.build()


@pytest.mark.parametrize("value", [50, 50.0, "50"])
def test_depths_come_as_numbers_or_text(value):
    assert widget_inputs.read_depth(value) == 50


@pytest.mark.parametrize("value", [51, "deep", None, "", True])
def test_what_is_no_depth_gets_a_sentence(value):
    with pytest.raises(gr.Error, match="18, 34, 50, 101 or 152"):
        widget_inputs.read_depth(value)


def test_uploads_that_browsers_cannot_show_get_a_jpeg(weights, tmp_path):
    path = tmp_path / "scan.tiff"
    tiny.photo(60, 40).save(path)
    view = classify.answer(question(str(path)))["view"]
    assert picture(urllib.parse.unquote(view["photo"].removeprefix("gradio_api/file="))).size == (60, 40)


# --- The photo that the browser names ---------------------------------------------------------------------------------


def test_the_page_names_its_own_files_and_the_examples_only(weights, tmp_path):
    cache = widget_inputs.cache_folder()
    upload = cache / "garden.jpg"
    upload.write_bytes(b"")
    assert photo_widget.chosen({"path": str(upload)}, str(cache)) == str(upload)
    assert (
        Path(photo_widget.chosen({"example": "dahlia"}, str(cache))).read_bytes()
        == (EXAMPLES / "dahlia.jpg").read_bytes()
    )
    for nothing in (None, {}, [], "dahlia", {"path": ""}):
        assert photo_widget.chosen(nothing, str(cache)) is None
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"")
    for path in (str(outside), "/etc/passwd", f"{cache}/../x", ["a"], 3):
        found = photo_widget.chosen({"path": path, "example": "nobody"}, str(cache))
        with pytest.raises(UserError, match="no longer on the server"):
            page_endpoints.check_photo(found)


def question(image: str, **changed) -> classify.Question:
    return replace(classify.Question(image, "flowers102", 18, 3, ""), **changed)


def test_an_example_says_what_it_is_and_whether_the_network_is_right(weights, photo):
    found = classify.predict(photo_widget.cached("dahlia"), "flowers102", 18, 1)

    def said(image: str, label: str) -> str:
        return classify.words(replace(found, image=image, top_k=(Score(label, 0.9),)))

    dahlia, cat = photo_widget.cached("dahlia"), photo_widget.cached("cat")
    assert "Dahlia. The network is right." in said(dahlia, "Orange Dahlia")
    assert "Dahlia. The network is wrong here." in said(dahlia, "Rose")
    assert "none of the classes is its kind" in said(cat, "Rose")
    assert "The photo shows" not in said(photo, "Marigold")


def test_the_spread_and_the_pose_of_each_face_are_there_for_the_page(weights):
    found = faces.predict(str(EXAMPLES / "two-people.jpg"), 18, "all")
    answer = viewer.spreads({"token": viewer.view_of(found, "all")["token"]})
    np.testing.assert_allclose(answer["spread"], [face.spread() for face in found.faces], atol=0.01)
    lines = faces.poses(found)
    assert [line[:14] for line in lines] == ["1. Head turned", "2. Head turned"]
    assert "error" in viewer.spreads({"token": "long gone"})


def test_an_examples_answer_is_computed_once(weights, photo, monkeypatch):
    asked = []
    predict = classify.predict
    monkeypatch.setattr(classify, "predict", lambda *inputs: asked.append(inputs) or predict(*inputs))
    dahlia = photo_widget.cached("dahlia")
    first, second = classify.answer(question(dahlia)), classify.answer(question(dahlia))
    assert len(asked) == 1 and first["view"] == second["view"] and first["classes"] == second["classes"]
    # Other questions, and other photos, are others.
    assert classify.answer(question(dahlia, top_k=4))["view"]["token"] != first["view"]["token"]
    tokens = {classify.answer(question(photo))["view"]["token"] for _ in range(2)}
    assert len(tokens) == 2 and len(asked) == 4
    # The maps of earlier stages and files are there for it too.
    what = first["view"]["what"]
    assert "maps" in viewer.stage_maps({"token": first["view"]["token"], "what": what})
    assert "url" in viewer.heat_file({"token": first["view"]["token"], "what": what, "stage": "layer4"})


def test_compared_examples_are_computed_once_unless_their_pictures_are_gone(weights, monkeypatch):
    dahlia = photo_widget.cached("dahlia")
    asked = compare.Question(dahlia, "flowers102", [18, 34])
    first, second = [*compare.answer(asked)], [*compare.answer(asked)]
    pictures = [re.findall(r'src="(.*?)"', steps[-2]["cards"]) for steps in (first, second)]
    assert len(pictures[0]) == 2 and pictures[0] == pictures[1]
    for path in pictures[0]:
        Path(urllib.parse.unquote(path.removeprefix("gradio_api/file="))).unlink()
    third = re.findall(r'src="(.*?)"', [*compare.answer(asked)][-2]["cards"])
    assert all(Path(urllib.parse.unquote(path.removeprefix("gradio_api/file="))).exists() for path in third)


def test_heat_of_the_endpoints_lies_over_greys_as_on_the_page(weights, photo):
    drawn = np.asarray(picture(classify.classify(photo, "flowers102", 18, 3, "")[1]), int)
    prediction = classify.predict(photo, "flowers102", 18, 3)
    outside = [*range(0, int(prediction.window.left) - 8)]
    assert outside and np.ptp(drawn[:, outside], axis=2).max() < 12  # a grey, but for JPEG
    assert np.ptp(drawn, axis=2).max() > 60


# --- The whole --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["v1", "v1.5"])
@pytest.mark.parametrize("depth", [18, 50])
def test_cost_is_counted_as_the_network_counts_it(depth, variant):
    network = resnet.ResNet(depth, 102, variant)
    assert cost.count_parameters(depth, 102) == resnet.count_parameters(network)
    expected = resnet.count_gflops(network, 225, 225)
    assert cost.count_gflops(depth, 102, variant, 225) == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def page(weights) -> gr.Blocks:
    return app.build()


def test_only_the_contract_is_public(page):
    endpoints = page.get_api_info()["named_endpoints"]
    parameters = {name: [part["parameter_name"] for part in info["parameters"]] for name, info in endpoints.items()}
    assert parameters == {
        "/classify": ["image", "task", "depth", "top_k", "target"],
        "/embed": ["image", "task", "depth"],
        "/keypoints": ["image", "depth", "region", "task"],
        "/compare": ["image", "task", "depths"],
    }
    components_ = {name: [part["component"] for part in info["returns"]] for name, info in endpoints.items()}
    assert components_ == {
        "/classify": ["Label", "Image", "Json"],
        "/embed": ["Json"],
        "/keypoints": ["Image", "Image", "Json"],
        "/compare": ["Gallery", "Dataframe", "Json"],
    }
    assert all(len(info["description"]) > 30 for info in endpoints.values())
    assert page.get_api_info()["unnamed_endpoints"] == {}


@pytest.fixture(scope="module")
def server(page):
    """The address of the page, launched."""
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False)
    yield address
    page.close()


def test_a_task_of_own_pictures_is_used_like_the_others(server, photo, tmp_path):
    client = Client(server, download_files=tmp_path, verbose=False)
    picture_ = handle_file(photo)
    label, overlay, details = client.predict(picture_, "pets", 18, 2, "dog", api_name="/classify")
    assert label["label"] in PETS.labels
    assert {score["label"] for score in details["top_k"]} == set(PETS.labels)
    assert Image.open(overlay).size == (300, 200)
    details = client.predict(picture_, 18, "all", "hands", api_name="/keypoints")[2]
    assert [len(face["keypoints"]) for face in details["faces"]] == [5]
    embedding = client.predict(picture_, "pets", 18, api_name="/embed")["embedding"]
    np.testing.assert_allclose(embedding, resnet_demo.load("pets", depth=18).embed(photo), rtol=0, atol=1e-5)
    gallery, table, _ = client.predict(picture_, "pets", [18], api_name="/compare")
    assert len(gallery) == 1
    assert table["data"][0][:2] == [18, label["label"]]


def test_the_last_inputs_of_an_endpoint_may_be_left_out(server, photo):
    """By plain HTTP, as curl calls it: /keypoints without a task, /classify without number and target."""
    for name, inputs, key in (("keypoints", [18, "all"], "faces"), ("classify", ["flowers102", 18], "top_k")):
        url = f"{server.rstrip('/')}/gradio_api/call/{name}"
        photo_ = {"url": f"data:image/jpeg;base64,{base64.b64encode(Path(photo).read_bytes()).decode()}"}
        body = json.dumps({"data": [photo_, *inputs]}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            event = json.load(answer)["event_id"]
        with urllib.request.urlopen(f"{url}/{event}", timeout=120) as stream:
            text = stream.read().decode()
        assert key in json.loads(text.split("event: complete\ndata: ")[1].split("\n")[0])[2]


def test_every_listener_lets_several_run_at_once(page):
    own = [function for function in page.fns.values() if function.fn is not None and function.queue]
    assert len(own) > 10
    assert all(function.concurrency_limit >= 2 for function in own)


def test_the_theme_fetches_no_fonts():
    from resnet_demo.page.widgets.theme import CSS, theme

    look = theme()
    assert not any("http" in sheet for sheet in look._stylesheets)
    assert "url(" not in CSS + "".join(look._font_css)
