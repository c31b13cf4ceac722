"""Data sets as they are distributed: known again, read as their makers mean it, and what is odd gets a sentence."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from resnet_demo import checkpoints
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.tasks.flower_names import names
from resnet_demo.training.data.datasets import load_pictures
from resnet_demo.training.data.formats import cifar10, plain_pickle
from resnet_demo.training.data.own_images import read_own
from resnet_demo.training.data.own_layout import find_layout

NOSE, EAR = (20.0, 30.0), (40.0, 12.0)


def picture(path, seed: int, size=(64, 48)):
    """A picture like no other, of so many columns and rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(path)
    return path


def points_by_name(own) -> dict[str, np.ndarray]:
    """File name → points, of all parts; those of a file with several are in order of the parts."""
    parts = own.parts.values()
    return {path.name: label for part in parts for path, label in zip(part.paths, part.labels, strict=True)}


def parts_by_name(own) -> dict[str, str]:
    return {path.name: part for part, pictures in own.parts.items() for path in pictures.paths}


# --- Classes ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def flowers(tmp_path):
    """Flowers102 as torchvision unpacks it, of eight pictures; SciPy writes the files as MATLAB does."""
    from scipy.io import savemat

    root = tmp_path / "flowers-102"
    for number in range(1, 9):
        picture(root / "jpg" / f"image_{number:05d}.jpg", number)
    labels = np.array([[1, 2, 102, 1, 2, 102, 1, 2]], np.uint8)
    savemat(root / "imagelabels.mat", {"labels": labels}, do_compression=True)
    parts = {"trnid": [[1, 2, 3]], "valid": [[4, 5, 6]], "tstid": [[7, 8]]}
    savemat(root / "setid.mat", {key: np.array(value, np.uint16) for key, value in parts.items()})
    return root


def test_flowers102_keeps_the_published_split_and_has_our_names(flowers, tmp_path):
    layout = find_layout(tmp_path)
    assert layout.kind == "classification" and "split as published" in layout.title
    found = layout.format.read(layout.source)
    assert [item.part for item in found.items] == ["train"] * 3 + ["val"] * 3 + ["test"] * 2
    assert [found.classes[item.label] for item in found.items[:3]] == [names()[0], names()[1], names()[101]]
    assert found.items[0].path == flowers / "jpg" / "image_00001.jpg"


def test_the_bundled_recipes_take_flowers102_as_torchvision_downloads_it(flowers, tmp_path):
    pictures = load_pictures("flowers102", ("train", "val"), tmp_path)
    assert [path.name for path in pictures.paths] == [f"image_{number:05d}.jpg" for number in range(1, 7)]
    assert pictures.labels.tolist() == [0, 1, 101, 0, 1, 101]
    assert pictures.classes == names() and len(names()) == 102
    Image.new("RGB", (900, 600)).save(pictures.paths[0])
    assert pictures.picture(0).size == (384, 256)


def test_another_matlab_file_gets_a_sentence(flowers):
    (flowers / "setid.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(UserError, match="setid.mat is not the one of Oxford 102 Flowers"):
        read_own(flowers, "flowers")


def cifar(each: int = 20):
    """Name of a batch → (rows uint8 (n, 3072), classes)."""
    rng = np.random.default_rng(0)
    labels = [k % 10 for k in range(each)]
    return {name: (rng.integers(0, 256, (each, 3072), dtype=np.uint8), labels) for name in cifar10.BATCHES}


def python_version(rows, labels) -> bytes:
    # As Python 2 pickled it: keys are bytes.
    record = {b"batch_label": b"training batch 1 of 5", b"labels": labels, b"data": rows, b"filenames": [b"a.png"]}
    return pickle.dumps(record, protocol=2)


def binary_version(rows, labels) -> bytes:
    return np.concatenate([np.array(labels, np.uint8)[:, None], rows], axis=1).tobytes()


def cifar_files(version: str, batches) -> dict[str, bytes]:
    """Name in the archive of the ``python`` or ``binary`` version → content."""
    write, ending, folder = {
        "python": (python_version, "", "cifar-10-batches-py"),
        "binary": (binary_version, ".bin", "cifar-10-batches-bin"),
    }[version]
    return {f"{folder}/{name}{ending}": write(*batch) for name, batch in batches.items()}


def cifar_archive(folder, version: str, batches):
    """These files, packed."""
    path = folder / f"cifar-10-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in cifar_files(version, batches).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("version", ["python", "binary"])
@pytest.mark.parametrize("archive", [True, False])
def test_cifar10_is_read_from_its_archives(tmp_path, version, archive):
    batches = cifar()
    if archive:
        cifar_archive(tmp_path, version, batches)
    else:
        for name, content in cifar_files(version, batches).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
    own = read_own(tmp_path, "cifar")
    assert own.record.counts == {"train": 80, "val": 20, "test": 20}
    assert own.record.classes["airplane"] == [8, 2, 2] and list(own.record.classes)[-1] == "truck"
    rows, labels = batches["test_batch"]
    assert own.parts["test"].labels.tolist() == labels
    pixels = np.asarray(own.parts["test"].picture(3))
    np.testing.assert_array_equal(pixels[5, 7], rows[3].reshape(3, 32, 32)[:, 5, 7])
    assert read_own(tmp_path, "cifar").record == own.record


def test_a_pickle_with_more_than_arrays_is_refused_and_not_run(tmp_path):
    class Print:
        def __reduce__(self):
            return print, ("run",)

    with pytest.raises(pickle.UnpicklingError, match="is no plain value"):
        plain_pickle.loads(pickle.dumps({"data": Print()}))
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in cifar10.BATCHES:
        (folder / name).write_bytes(pickle.dumps(Print()))
    with pytest.raises(UserError, match="data_batch_1 is no batch of CIFAR-10"):
        read_own(folder, "cifar")


def test_a_cifar10_that_lacks_a_batch_says_which(tmp_path):
    (tmp_path / "test_batch.bin").write_bytes(binary_version(*cifar(2)["test_batch"]))
    with pytest.raises(UserError, match="has no data_batch_1"):
        read_own(tmp_path, "cifar")


def test_a_damaged_cifar10_archive_says_so_wherever_the_damage_is(tmp_path):
    path = cifar_archive(tmp_path, "binary", cifar())
    whole = path.read_bytes()
    for place in range(100, len(whole), len(whole) // 20):  # Before it is a name that nobody reads.
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(UserError, match="is cut off or damaged: download it again"):
            cifar10.read(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is cut off or damaged: download it again"):
        cifar10.read(path)


# --- Class folders of them: the command layout ------------------------------------------------------------------------


def shown(pictures) -> dict[bytes, int]:
    """Pixels of each picture → its class."""
    return {pictures.picture(row).tobytes(): int(pictures.labels[row]) for row in range(len(pictures))}


@pytest.mark.parametrize("version", ["python", "binary"])
def test_cifar10s_archive_is_laid_out_in_folders_that_train_alike(tmp_path, capsys, version):
    batches, out = cifar(), tmp_path / "sets" / "cifar10"
    (tmp_path / "packed").mkdir()
    archive = cifar_archive(tmp_path / "packed", version, batches)
    assert main(["layout", str(archive), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "120 pictures of 10 classes are in" in said.out and "(100 in train, 20 in test)" in said.out
    assert "writing: 100%" in said.err
    expected = {}
    for name, (rows, labels) in batches.items():
        for row, (values, label) in enumerate(zip(rows, labels, strict=True)):
            part = "test" if name == "test_batch" else "train"
            path = f"{part}/{cifar10.CLASSES[label]}/{name}-{row}.png"
            expected[path] = values.reshape(3, 32, 32).transpose(1, 2, 0)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {*expected}
    for path, pixels in expected.items():
        with Image.open(out / path) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
    assert [path.name for path in out.parent.iterdir()] == ["cifar10"]
    # With the bundled recipe, and as pictures of one's own.
    for part in ("train", "val", "test"):
        laid, packed = (load_pictures("cifar10", (part,), folder) for folder in (out.parent, archive.parent))
        assert shown(laid) == shown(packed) and laid.classes == packed.classes
    laid, packed = (read_own(data, "cifar") for data in (out, archive))
    assert {part: shown(pictures) for part, pictures in laid.parts.items()} == {
        part: shown(pictures) for part, pictures in packed.parts.items()
    }


def test_flowers102_is_laid_out_with_its_own_files(flowers, tmp_path, capsys):
    out = tmp_path / "classes"
    assert main(["layout", str(flowers), "--out", str(out)]) == 0
    assert "8 pictures of 102 classes" in (said := capsys.readouterr().out)
    assert "(3 in train, 3 in val, 2 in test)" in said
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.jpg")}
    assert len(found) == 8
    first = (flowers / "jpg" / "image_00001.jpg").read_bytes()
    assert found[f"train/{names()[0]}/image_00001.jpg"] == first


def test_a_full_disk_leaves_no_half_of_a_set_and_the_same_command_does_it_later(tmp_path, capsys, monkeypatch):
    archive, out = cifar_archive(tmp_path, "binary", cifar()), tmp_path / "out"
    out.mkdir()
    save, saved = Image.Image.save, []

    def full(image, path):
        saved.append(path)
        if len(saved) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(image, path)

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        assert main(["layout", str(archive), "--out", str(out)]) == 2
    assert "Nothing more can be written (no space left on device): make room" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "out"} and not [*out.iterdir()]
    assert main(["layout", str(archive), "--out", str(out)]) == 0
    assert len([*out.rglob("*.png")]) == 120


def test_what_cannot_be_laid_out_is_one_sentence(tmp_path, capsys):
    batches, used = cifar(), tmp_path / "used"
    archive = cifar_archive(tmp_path, "python", batches)
    assert main(["layout", str(archive), "--out", str(used)]) == 0
    broken = tmp_path / "broken" / archive.name
    broken.parent.mkdir()
    broken.write_bytes(archive.read_bytes()[:5000])
    for name in ("300w", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "300w" / "1.pts").touch()
    capsys.readouterr()
    for data, out, words in (
        (archive, used, "used is there already: choose a new folder"),
        (archive, archive, "is there already: choose a new folder"),
        (tmp_path / "none.tar.gz", "new", "There is no"),
        (broken, "new", "is cut off or damaged: download it again"),
        (tmp_path / "empty", "new", "is no published set that is known here"),
        (tmp_path / "300w", "new", "only classes become folders"),
        (used, "new", "has a folder for each class already"),
    ):
        assert main(["layout", str(data), "--out", str(tmp_path / out)]) == 2
        said = capsys.readouterr()
        assert words in said.err and len(said.err.splitlines()) == 1 and not said.out
        assert not (tmp_path / "new").exists()


# --- Keypoints --------------------------------------------------------------------------------------------------------


def test_300w_has_its_first_pixel_at_1_and_its_own_parts(tmp_path, capsys):
    for number, folder in enumerate(("afw", "helen/trainset", "lfpw/testset", "ibug")):
        for index in range(2):
            where = tmp_path / folder / f"{index}.pts"
            picture(where.with_suffix(".png"), 10 * number + index)
            where.write_text("version: 1\nn_points:  2\n{\n21.000000 31.000000\n41.0 13.0\n}\n")
    (tmp_path / "afw" / "lone.pts").write_text("version: 1\nn_points: 2\n{\n1 2\n3 4\n}\n")
    (tmp_path / "afw" / "more.pts").write_text("version: 1\nn_points: 1\n{\n1 2\n}\n")
    own = read_own(tmp_path, "faces")
    np.testing.assert_allclose(own.parts["test"].labels[0], [NOSE, EAR])
    assert {path.parent.parent.name for path in own.parts["test"].paths} == {"lfpw", tmp_path.name}
    assert len(own.parts["test"]) == 4 and own.record.skipped == 2
    assert set(own.parts["test"].sources) == {"ibug", "lfpw"}
    said = capsys.readouterr().err
    assert "Found pictures with a .pts beside each (300-W): 8 pictures." in said
    assert "lone.pts: no picture of that name" in said and "more.pts: it has 1 points, most have 2" in said


def test_udacitys_two_tables_are_train_and_test(tmp_path):
    for part, count in (("training", 6), ("test", 2)):
        lines = [",0,1,2,3"]
        for index in range(count):
            picture(tmp_path / part / f"Ann_{index}.png", index + (100 if part == "test" else 0))
            lines.append(f"Ann_{index}.png,20.0,30.0,40.0,12.0")
        (tmp_path / f"{part}_frames_keypoints.csv").write_text("\n".join(lines))
    own = read_own(tmp_path, "faces")
    assert {path.parent.name for path in own.parts["test"].paths} == {"test"} and len(own.parts["test"]) == 2
    assert {path.parent.name for path in own.parts["train"].paths} == {"training"}
    np.testing.assert_allclose(own.parts["train"].labels[0], [NOSE, EAR])


def test_kaggles_pixels_in_a_column_are_pictures(tmp_path, capsys):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (8, 96, 96))
    lines = ["left_eye_center_x,left_eye_center_y,nose_tip_x,nose_tip_y,Image"]
    for index, pixels in enumerate(grey):
        nose = "," if index == 5 else "40.5,12"
        lines.append(f"20.25,30,{nose},{' '.join(map(str, pixels.ravel()))}")
    (tmp_path / "training.csv").write_text("\n".join(lines))
    (tmp_path / "test.csv").write_text("ImageId,Image\n1,2 3\n")
    own = read_own(tmp_path, "faces")
    assert sum(own.record.counts.values()) == 7 and own.record.skipped == 1
    np.testing.assert_allclose(own.parts["train"].labels[0], [(20.25, 30), (40.5, 12)])
    shown = {np.asarray(part.picture(k))[..., 1].tobytes() for part in own.parts.values() for k in range(len(part))}
    assert shown == {pixels.astype(np.uint8).tobytes() for index, pixels in enumerate(grey) if index != 5}
    assert "Skipped 1 faces" in capsys.readouterr().err


def coco(root):
    """COCO's folders: two objects in one picture of train, one in another, and a val file."""
    for part, ids in (("train", (1, 2)), ("val", (3, 4))):
        images = [{"id": i, "file_name": f"{i:012d}.png", "width": 64, "height": 48} for i in ids]
        marks = [
            {"image_id": ids[0], "keypoints": [20, 30, 2, 40, 12, 1], "bbox": [16, 8, 32, 24]},
            {"image_id": ids[0], "keypoints": [4, 40, 2, 0, 0, 0], "bbox": [0, 36, 16, 12]},
            {"image_id": ids[1], "keypoints": [20, 30, 2, 40, 12, 1], "bbox": [16, 8, 32, 24]},
            {"image_id": ids[1], "keypoints": [0, 0, 0, 0, 0, 0], "bbox": [0, 0, 16, 12]},
            {"image_id": ids[1], "keypoints": [1, 1, 2, 2, 2, 2], "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ]
        for index, mark in enumerate(marks):
            mark |= {"id": index, "category_id": 1, "num_keypoints": 2}
        kinds = [{"id": 1, "name": "person", "keypoints": ["nose", "ear"], "skeleton": [[1, 2]]}]
        file = root / "annotations" / f"person_keypoints_{part}2017.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"info": {}, "images": images, "annotations": marks, "categories": kinds}))
        for i in ids:
            picture(root / f"{part}2017" / f"{i:012d}.png", i)
    (root / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": []}')


def test_coco_gives_one_sample_a_box_and_knows_what_is_not_marked(tmp_path, capsys):
    coco(tmp_path)
    own = read_own(tmp_path, "people")
    test = own.parts["test"]
    assert len(test) == 3 and own.record.skipped == 2 and sum(own.record.counts.values()) == 6
    assert [path.name[-5] for path in test.paths] == ["3", "3", "4"]
    # The box from (16, 8) to (48, 32), a quarter wider all round, starts at (8, 2).
    assert test.picture(0).size == (48, 36)
    np.testing.assert_allclose(test.labels[0], [(12, 28), (32, 10)])
    assert test.picture(1).size == (20, 15) and np.isnan(test.labels[1][1]).all()
    whole = np.asarray(Image.open(test.paths[0]))
    np.testing.assert_array_equal(np.asarray(test.picture(0)), whole[2:38, 8:56])
    said = capsys.readouterr().err
    assert "Left out 2 objects without any known point." in said and "cut out by its box" in said


def test_imglab_names_its_parts_and_ignores_what_it_says(tmp_path, capsys):
    lines = ["<?xml version='1.0' encoding='ISO-8859-1'?>", "<?xml-stylesheet type='text/xsl' href='a.xsl'?>"]
    lines += ["<dataset>", "<name>imglab dataset</name>", "<images>"]
    for index in range(4):
        picture(tmp_path / "faces" / f"{index}.png", index)
        lines += [
            f"  <image file='faces/{index}.png' width='64' height='48'>",
            "    <box top='8' left='16' width='32' height='24'>",
            "      <label>face</label>",
            "      <part name='10' x='40' y='12'/>",
            "      <part name='9' x='20' y='30'/>",
            "    </box>",
            "    <box top='0' left='0' width='9' height='9' ignore='1'/>",
            "  </image>",
        ]
    (tmp_path / "labels.xml").write_text("\n".join([*lines, "</images>", "</dataset>"]))
    own = read_own(tmp_path / "labels.xml", "faces")
    assert sum(own.record.counts.values()) == 4
    np.testing.assert_allclose(own.parts["train"].labels[0], [(12, 28), (32, 10)])
    assert "Found dlib's imglab XML: 4 pictures" in capsys.readouterr().err


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><id>1</id></task></meta>{}</annotations>"""
SKELETON = """<skeleton label="face" source="manual" z_order="0">
<points label="nose" source="manual" outside="0" occluded="0" points="20.00,30.00"></points>
<points label="ear" source="manual" outside="{}" occluded="1" points="40.00,12.00"></points></skeleton>"""
SINGLE = """<points label="nose" source="manual" occluded="0" points="20.0,30.0" z_order="0" {0}></points>
<points label="ear" source="manual" occluded="0" points="40.0,12.0" z_order="0" {0}></points>"""
SHAPE = '<points label="face" source="manual" occluded="0" points="20.00,30.00;40.00,12.00" z_order="0"></points>'
BOX = '<box label="face" source="manual" occluded="0" xtl="16" ytl="8" xbr="48" ybr="32" z_order="0" {}></box>'


@pytest.mark.parametrize(
    ("shapes", "boxed"),
    [
        (SKELETON.format(0), False),
        (SHAPE, False),
        (SINGLE.format(""), False),
        (SHAPE + BOX.format(""), True),
        (SINGLE.format('group_id="1"') + BOX.format('group_id="1"'), True),
    ],
)
def test_cvat_marks_points_in_three_ways(tmp_path, shapes, boxed):
    images = [f'<image id="{i}" name="{i}.png" width="64" height="48">{shapes}</image>' for i in range(4)]
    for index in range(4):
        picture(tmp_path / "images" / f"{index}.png", index)
    (tmp_path / "annotations.xml").write_text(CVAT.format("".join(images)))
    own = read_own(tmp_path, "faces")
    assert sum(own.record.counts.values()) == 4
    # Points without an order of their own are sorted by name.
    points = [NOSE, EAR] if shapes.startswith(SHAPE) else [EAR, NOSE]
    np.testing.assert_allclose(own.parts["train"].labels[0], np.array(points) - ((8, 2) if boxed else (0, 0)))


def test_cvat_knows_what_is_outside_and_its_subsets(tmp_path):
    images = [
        f'<image id="{i}" name="{i}.png" subset="{subset}" width="64" height="48">{SKELETON.format(outside)}</image>'
        for i, (outside, subset) in enumerate([(1, "Train"), (0, "Train"), (0, "Test")])
    ]
    for index in range(3):
        picture(tmp_path / "images" / f"{index}.png", index)
    (tmp_path / "annotations.xml").write_text(CVAT.format("".join(images)))
    own = read_own(tmp_path, "faces")
    assert parts_by_name(own)["2.png"] == "test"
    assert np.isnan(points_by_name(own)["0.png"][0]).all()  # the ear
    entities = '<!DOCTYPE a [<!ENTITY b "c">]><annotations><image /><points /></annotations>'
    (tmp_path / "annotations.xml").write_text(entities.replace("<image", "<image ").replace("<points", "<points "))
    with pytest.raises(UserError, match="declares a document type"):
        read_own(tmp_path, "faces")


def labelme(path, *shapes):
    keys = ("label", "points", "group_id", "shape_type")
    record = {"version": "5.4.1", "flags": {}, "shapes": [dict(zip(keys, shape, strict=True)) for shape in shapes]}
    record |= {"imagePath": path.with_suffix(".png").name, "imageData": None, "imageHeight": 48, "imageWidth": 64}
    path.write_text(json.dumps(record))


def test_labelme_points_have_names_and_groups_boxes(tmp_path, capsys):
    marks = [("nose", [NOSE], 1, "point"), ("ear", [EAR], 1, "point")]
    for index in range(4):
        picture(tmp_path / f"{index}.png", index)
        labelme(tmp_path / f"{index}.json", *marks, ("face", [(48, 32), (16, 8)], 1, "rectangle"))
    labelme(tmp_path / "3.json", ("nose", [NOSE], None, "point"))
    own = read_own(tmp_path, "faces")
    np.testing.assert_allclose(own.parts["train"].labels[0], [(32, 10), (12, 28)])
    assert own.record.skipped == 1
    assert "Left out an object without a box of its own, such as in 3.png" in capsys.readouterr().err

    for index in range(4):
        labelme(tmp_path / f"{index}.json", *((name, place, None, kind) for name, place, _, kind in marks))
    np.testing.assert_allclose(read_own(tmp_path, "faces").parts["train"].labels[0], [EAR, NOSE])
    labelme(tmp_path / "0.json", *marks, marks[0])
    with pytest.raises(UserError, match="has the point nose twice"):
        read_own(tmp_path, "faces")


def test_pictures_that_an_export_names_but_that_are_not_there_are_listed(tmp_path, capsys):
    for index in range(4):
        picture(tmp_path / f"{index}.png", index)
    for index in range(5):
        labelme(tmp_path / f"{index}.json", ("nose", [NOSE], None, "point"))
    assert sum(read_own(tmp_path, "faces").record.counts.values()) == 4
    assert "Skipped" in (said := capsys.readouterr().err) and "4.png" in said


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", '{"images": [], "annotations": [], "categories": [], "keypoints": 1', "is no whole JSON file"),
        ("a.json", '{"images": 1, "annotations": [], "categories": [], "keypoints": 1}', "no file of COCO keypoints"),
        ("a.json", '{"images": [], "annotations": [], "categories": [], "keypoints": 1}', "marks no points"),
        ("a.xml", "<dataset><images><image file='a'><box><part /></box></image></images>", "no whole XML file"),
        ("a.xml", "<dataset><images><image file='a'><box><part /></box></image></images></dataset>", "a box has no"),
        ("a.pts", "version: 1\nn_points: 2\n{\n1 2\n3\n}", "is no list of points"),
    ],
)
def test_a_broken_export_gets_one_sentence(tmp_path, name, text, sentence):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_own(tmp_path, "faces")


def test_the_names_of_the_flowers_are_those_of_the_bundled_networks():
    config = checkpoints.read_config(ROOT / "weights" / "flowers102" / "resnet18")
    assert config.task.labels == names()
