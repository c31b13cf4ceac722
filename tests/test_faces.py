"""Faces: found in photos of any size, cut out upright, points mapped back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image, ImageOps

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.faces import detector as face_detector
from resnet_demo.faces import pose, tiles
from resnet_demo.faces.alignment import TEMPLATE, crop, crop_matrix, frame_of, shape_error, to_photo, transform
from resnet_demo.faces.detector import Detector, suppress, turned_back
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.training.data.datasets import Pictures
from resnet_demo.training.evaluation import convention, detection, poses
from resnet_demo.training.evaluation.evaluate import evaluate_keypoints


@pytest.fixture(scope="module")
def detector():
    return Detector()


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        return image.convert("RGB")


@pytest.mark.parametrize(("name", "count"), [("astronaut", 1), ("president", 1), ("two-people", 2), ("dahlia", 0)])
def test_finds_as_many_faces_as_there_are(detector, name, count):
    assert len(detector.detect(example(name))) == count


def test_finds_a_small_face_in_a_large_photo_and_a_face_that_fills_a_small_one(detector):
    portrait = example("president")
    large = Image.new("RGB", (2400, 1800), (90, 120, 90))
    large.paste(portrait.resize((205, 256)), (1500, 900))
    (face,) = detector.detect(large)
    assert 1500 < face.box[0] < face.box[2] < 1705
    assert 900 < face.box[1] < face.box[3] < 1156
    close = portrait.crop((300, 60, 600, 420)).resize((75, 90))
    assert len(detector.detect(close)) == 1


def test_the_largest_face_comes_first_and_its_points_lie_in_its_box(detector):
    first, second = detector.detect(example("two-people"))
    assert first.box[2] - first.box[0] > second.box[2] - second.box[0]
    for face in (first, second):
        assert (face.landmarks > face.box[:2]).all()
        assert (face.landmarks < face.box[2:]).all()
        assert 0.3 <= face.score <= 1


@pytest.mark.parametrize("angle", [-35, 0, 35])
def test_a_tilted_head_is_cut_out_upright(detector, angle):
    photo = example("astronaut").rotate(angle, Image.Resampling.BICUBIC, center=(226, 118), fillcolor=(114,) * 3)
    face = detector.detect(photo)[0]
    assert np.degrees(frame_of(face).angle) == pytest.approx(-angle, abs=8)
    inside = transform(crop_matrix(face, 1.3, 160), face.landmarks)
    left_eye, right_eye, nose, left_mouth, right_mouth = inside
    assert abs(left_eye[1] - right_eye[1]) < 16
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]


def test_points_go_to_the_crop_and_back(detector):
    face = detector.detect(example("astronaut"))[0]
    matrix = crop_matrix(face, 1.3, 160)
    back = to_photo(transform(matrix, face.landmarks) / 160, matrix, 160)
    assert np.abs(back - face.landmarks).max() < 1e-3
    assert back.dtype == np.float32


def test_a_crop_shows_the_same_at_any_resolution_of_the_photo(detector):
    photo = example("astronaut")
    face = detector.detect(photo)[0]
    matrix = crop_matrix(face, 1.3, 96)
    small = crop(photo, matrix, 96).astype(float)
    larger = photo.resize((2048, 2048), Image.Resampling.BICUBIC)
    scaled = np.concatenate([matrix[:, :2] / 4, matrix[:, 2:]], axis=1)
    assert np.abs(crop(larger, scaled, 96) - small).mean() < 4


def test_what_lies_beyond_the_photo_is_grey(detector):
    face = detector.detect(example("astronaut"))[0]
    beyond = crop(example("astronaut"), crop_matrix(face, 8.0, 64), 64)
    assert (beyond[0, 0] == 114).all()


@pytest.mark.parametrize("degrees", [90, 120, 180, 270])
def test_faces_of_a_turned_photo_are_cut_out_upright(detector, degrees):
    photo = example("two-people").rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(114,) * 3)
    faces = detector.detect(photo)
    assert len(faces) == 2
    for face in faces:
        angle = np.degrees(frame_of(face).angle) - degrees
        assert (angle + 180) % 360 - 180 == pytest.approx(0, abs=20)
        assert shape_error(face.landmarks) < 0.06
        x0, y0, x1, y1 = face.box
        assert ((face.landmarks > (x0, y0)) & (face.landmarks < (x1, y1))).all()


def test_turned_copies_and_finer_searches_only_where_the_first_leaves_doubts(detector, monkeypatch):
    searches = []
    original = detector.search
    monkeypatch.setattr(detector, "search", lambda *args: searches.append(args[1:]) or original(*args))
    for name in ("astronaut", "president", "two-people"):
        large = example(name).resize((2000, 2000))
        detector.detect(large)
    assert searches == [(512, 0)] * 3


def people(canvas: Image.Image, side: int, places: list[tuple[int, int]]) -> Image.Image:
    """A large photo with the astronaut's face, ``side`` pixels wide, at each place."""
    face = example("astronaut").crop((155, 25, 305, 205)).resize((2 * side, 2 * side), Image.Resampling.LANCZOS)
    for place in places:
        canvas.paste(face, place)
    return canvas


def seen_at(faces, side: int, places: list[tuple[int, int]]) -> int:
    centres = [((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2) for face in faces]
    return sum(any(np.hypot(x - left - side, y - top - side) < side for x, y in centres) for left, top in places)


GRID = [(200 + 620 * column, 150 + 700 * row) for column in range(6) for row in range(4)]


def test_a_crowd_of_small_faces_in_12_megapixels_is_found(detector):
    side = 24
    faces = detector.detect(people(Image.new("RGB", (4000, 3000), (96, 112, 96)), side, GRID))
    assert seen_at(faces, side, GRID) == len(faces) == len(GRID)


def test_a_crowd_behind_a_large_face_is_found(detector):
    photo = people(Image.new("RGB", (4000, 3000), (96, 112, 96)), 60, GRID)
    portrait = example("president")
    large = portrait.resize((1500, 1500 * portrait.height // portrait.width))
    photo.paste(large, (1200, 800))
    behind = [(x, y) for x, y in GRID if not (1050 < x < 2650 and 650 < y < 800 + large.height)]
    faces = detector.detect(photo)
    assert faces[0].box[2] - faces[0].box[0] > 350
    assert seen_at(faces[1:], 60, behind) == len(faces) - 1 == len(behind)


@pytest.mark.parametrize("size", [(9000, 1500)])
def test_small_faces_in_a_panorama_are_found_once(detector, size):
    width, height = size
    places = [(width * share // 100, height * share // 100) for share in (3, 20, 37, 48, 65, 90)]
    faces = detector.detect(people(Image.new("RGB", size, (96, 112, 96)), 45, places))
    assert seen_at(faces, 45, places) == len(faces) == 6


def test_windows_of_a_panorama_overlap_and_cover_it():
    assert tiles.windows((4000, 3000)) == [(0, 0, 4000, 3000)]
    for size in ((12000, 2500), (2500, 12000), (100_000, 60), (1300, 500)):
        boxes = tiles.windows(size)
        assert 1 < len(boxes) <= tiles.MOST_WINDOWS
        assert boxes[0][:2] == (0, 0) and boxes[-1][2:] == size
        axis = int(size[1] > size[0])
        for one, other in pairwise(boxes):
            assert one[axis] < other[axis] < one[axis + 2] - min(size) // 3


def test_each_hint_lies_well_inside_a_tile():
    size, scale = (4000, 3000), 0.8
    hints = [(x, y) for x in range(40, 4000, 190) for y in range(40, 3000, 190)]
    boxes = tiles.tiles(size, scale, hints)
    assert all(0 <= x0 and 0 <= y0 and x1 <= 4000.01 and y1 <= 3000.01 for x0, y0, x1, y1 in boxes)
    assert len(boxes) <= tiles.MOST_TILES
    reach = 0.98 * tiles.OVERLAP / 2 / scale
    for x, y in hints:
        low, high = (max(x - reach, 0), max(y - reach, 0)), (min(x + reach, 4000), min(y + reach, 3000))
        assert any(b[0] <= low[0] and b[1] <= low[1] and b[2] >= high[0] and b[3] >= high[1] for b in boxes)
    (one,) = tiles.tiles(size, scale, hints[:1])
    assert one[:2] == (0, 0)


@pytest.mark.parametrize("turn", range(4))
def test_points_of_a_turned_picture_go_back(turn):
    pixels = np.zeros((5, 8), int)
    pixels[1, 6] = 1
    row, column = np.argwhere(np.rot90(pixels, turn))[0]
    back = turned_back(np.array([(column + 0.5, row + 0.5)]), (8, 5), turn)
    assert back.tolist() == [[6.5, 1.5]]


def test_five_points_of_a_face_have_its_shape_however_turned():
    turned = TEMPLATE @ np.array([(-0.6, 0.8), (-0.8, -0.6)]) * 40 + 100
    assert shape_error(turned) < 1e-9
    upside_down = turned[[3, 4, 2, 0, 1]]
    assert shape_error(upside_down) > 0.06


def test_overlapping_boxes_are_suppressed():
    boxes = np.array([(0, 0, 10, 10), (1, 1, 11, 11), (20, 20, 30, 30), (0, 0, 10, 10)], float)
    assert suppress(boxes, 0.3) == [0, 2]
    within = np.array([(0, 0, 10, 10), (1, 1, 4, 4)], float)
    assert suppress(within, 0.3) == [0, 1] and suppress(within, 0.3, inside=0.7) == [0]


@pytest.mark.parametrize("degrees", [0, 90, 120, 270])
def test_the_points_of_a_measured_face_turn_with_its_photo(degrees):
    photo = Image.new("RGB", (60, 40))
    photo.paste((255, 255, 255), (49, 9, 52, 12))
    larger, points = detection.turned(photo, np.array([(50.5, 10.5)]), degrees)
    row, column = np.unravel_index(np.asarray(larger)[..., 0].argmax(), larger.size[::-1])
    assert np.abs(points[0] - (column + 0.5, row + 0.5)).max() < 2.5


def test_a_measured_crowd_has_its_faces_where_its_points_are(detector, tmp_path):
    example("astronaut").crop((125, 15, 335, 225)).save(tmp_path / "face.png")
    face = detector.detect(Image.open(tmp_path / "face.png"))[0]
    points = np.resize(face.landmarks, (68, 2))
    faces = Pictures("faces68", [tmp_path / "face.png"], points[None], sources=["nasa"])
    photo, truths = detection.crowd(faces, [0] * 8, 100)
    assert photo.size == detection.CROWD and len(truths) == 8
    boxes = [face.box for face in detector.detect(photo)]
    inside = [all(box[:2] < truth.mean(0)) and all(truth.mean(0) < box[2:]) for box in boxes for truth in truths]
    assert sum(inside) == 8


def test_evenly_taken_items():
    assert detection.evenly(list(range(10)), 4) == [0, 3, 6, 9]
    assert detection.evenly([5, 7], 9) == [5, 7]


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """68 keypoints of a mean face that is turned so, 100 pixels between its eyes' corners."""
    y, p, r = np.radians((-yaw, -pitch, roll))
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    shake = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = np.zeros((68, 2))
    points[pose.STIFF] = 100 * (pose.SHAPE @ (tilt @ shake @ nod).T)[:, :2] + 200
    return points


def test_the_pose_of_a_known_head():
    for yaw in (-40, 0, 25):
        for pitch in (-20, 0, 20):
            for roll in (-50, 0, 130):
                found = pose.pose_of(turned(yaw, pitch, roll))
                assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)
    # The nose's tip is nearer to where it looks.
    right, up = turned(30, 0, 0), turned(0, 20, 0)
    assert right[30, 0] > right[[36, 45], 0].mean() and up[30, 1] < turned(0, 0, 0)[30, 1]


def test_photos_of_many_sizes_leave_few_compiled_networks(monkeypatch):
    monkeypatch.setattr(face_detector, "SHAPES", 3)
    detector, photo = Detector(), Image.open(EXAMPLES / "president.jpg").convert("RGB")
    before = detector.search(photo, 320)
    for side in range(320, 512, 64):
        detector.search(photo, side)
        assert len(detector._compiled) <= 3
    again = detector.search(photo, 320)
    assert [face.score for face in again] == pytest.approx([face.score for face in before], abs=1e-5)


def test_the_pose_turns_and_is_mirrored_with_its_photo():
    predict = LandmarkPredictor("faces68", 18, "cpu")
    with Image.open(EXAMPLES / "two-people.jpg") as both:
        photo = both.crop((0, 0, both.width // 2, both.height))
        known = predict(photo).faces[0].pose
        mirrored = predict(ImageOps.mirror(photo)).faces[0].pose
        tilted = predict(photo.rotate(-20, Image.Resampling.BICUBIC)).faces[0].pose
    assert abs(known.yaw) > 4
    assert (mirrored.yaw, mirrored.pitch, mirrored.roll) == pytest.approx((-known.yaw, known.pitch, -known.roll), abs=4)
    assert (tilted.yaw, tilted.pitch, tilted.roll) == pytest.approx((known.yaw, known.pitch, known.roll + 20), abs=4)


def test_pose_and_spread_beside_labels(tmp_path, monkeypatch, capsys):
    predict = LandmarkPredictor("faces68", 18, "cpu")
    paths, labels = [], []
    for number in range(poses.FEWEST):
        paths.append(tmp_path / f"{number}.png")
        example("astronaut").crop((125 - 3 * number, 15, 335, 225)).save(paths[-1])
        with Image.open(paths[-1]) as photo:
            labels.append(predict(photo).faces[0].keypoints)
    faces = Pictures("faces68", paths, np.array(labels), sources=["nasa"] * len(paths))
    monkeypatch.setattr(poses, "load_pictures", lambda *_: faces)
    assert main(["poses", "--depth", "18"]) == 0
    said = capsys.readouterr().out
    assert f"| nasa | {poses.FEWEST} |" + " 0.0° |" * 6 in said  # They are the network's own points.
    assert said.count("| 0.00 % |") >= 5 and "Rank correlation" in said
    assert main(["poses", "--depth", "18", "--sources", "moon"]) == 2
    assert "0 faces of moon in val: name others" in capsys.readouterr().err


def test_what_annotators_do_otherwise_is_told_from_what_the_network_does_not_see(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(convention, "LEAST", 24)
    predict = LandmarkPredictor("faces68", 18, "cpu")
    paths, labels = [], []
    for number in range(30):
        paths.append(tmp_path / f"{number}.png")
        photo = example(("astronaut", "president")[number % 2])
        photo.resize((300 + 5 * number, round((300 + 5 * number) * photo.height / photo.width))).save(paths[-1])
        with Image.open(paths[-1]) as written:
            points = predict(written).faces[0].keypoints.copy()
        points[:17, 0] += 0.1 * np.linalg.norm(points[36] - points[45])  # Their jaw lines lie further right.
        labels.append(points)
    faces = Pictures("faces68", paths, np.array(labels), sources=["nasa"] * 26 + ["moon"] * 4)
    learned, measured = faces.some(range(24)), faces.some([24, 25])
    assert evaluate_keypoints(predict, measured).metrics["nme_nasa"].value == pytest.approx(
        100 * 0.1 * 17 / 68, abs=0.05
    )
    error = convention.evaluate_in_convention(predict, "nasa", learned, measured)
    assert error.value < 0.5 and (error.n, error.missed) == (2, 0)  # 2.5 without the map, as above.
    with pytest.raises(
        UserError, match="There are 4 faces of moon, and --convention needs 24: the sources are moon, n"
    ):
        convention.evaluate_in_convention(predict, "moon", faces, faces)
    assert main(["evaluate", "flowers102", "--depth", "18", "--convention", "nasa", "--labelled", str(tmp_path)]) == 2
    assert "--convention measures one network of faces on a split" in capsys.readouterr().err


def test_rank_correlation():
    assert poses.rank_correlation(np.array([1, 2, 9]), np.array([0, 5, 6])) == pytest.approx(1)
    assert poses.rank_correlation(np.array([1, 2, 9]), np.array([7, 5, 0])) == pytest.approx(-1)
