"""Two thousand damaged files: each is read, or refused with one sentence, by the decoder, and some of them by the
command line and the page's endpoints. The damage is seeded, so a file that fails here fails everywhere."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import tiny
from test_images import encode, scene
from test_photo_source import call, page  # noqa: F401

from resnet_demo.cli.main import main
from resnet_demo.errors import UserError
from resnet_demo.images.decode import open_photo
from resnet_demo.page.i18n import en

COUNT = 2000
SEED = 15


def whole_files() -> list[bytes]:
    """A small file of each kind, and some with more in them than most."""
    photo = tiny.photo(64, 48)
    files = [encode(photo, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")]
    files += [encode(photo, "JPEG", progressive=True), encode(photo.convert("CMYK"), "JPEG")]
    files += [encode(photo, "TIFF", compression=kind) for kind in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")]
    files += [encode(photo.quantize(16), "PNG", transparency=0), encode(photo.convert("LA"), "PNG")]
    files += [encode(photo, kind, save_all=True, append_images=[scene()]) for kind in ("GIF", "WEBP", "MPO")]
    return files


def damaged(file: bytes, random: np.random.Generator) -> bytes:
    """A file with a few bytes changed, cut out, doubled or moved; more often in its headers."""
    data = bytearray(file)
    for _ in range(random.integers(1, 5)):
        end = len(data) if random.random() < 0.4 else min(len(data), 200)
        place, length = int(random.integers(0, max(1, end))), int(random.integers(1, 17))
        match random.integers(0, 7):
            case 0:
                data[place : place + length] = random.bytes(length)
            case 1:
                data[place : place + 1] = bytes([random.choice([0, 1, 127, 128, 255])])
            case 2:
                data[place : place + 4] = bytes([random.choice([0, 255])]) * 4
            case 3:
                del data[place : place + length]
            case 4:
                data[place:place] = data[place : place + length]
            case 5:
                del data[place + 1 :]
            case 6:
                data[place : place + 1] = bytes([data[place] ^ (1 << int(random.integers(0, 8)))]) if data else b""
    return bytes(data)


def is_read(file: bytes) -> bool:
    """Whether a file becomes a photo; what is refused is refused with one sentence. ``make fuzz`` asks it too."""
    try:
        photo = open_photo(file, draft_side=960)
    except UserError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return False
    assert photo.mode == "RGB" and min(photo.size) >= 1
    return True


@pytest.fixture(scope="module")
def corpus() -> list[bytes]:
    random, files = np.random.default_rng(SEED), whole_files()
    return [damaged(files[index % len(files)], random) for index in range(COUNT)]


def test_the_decoder_reads_or_refuses_each(corpus):
    read = sum(map(is_read, corpus))
    assert COUNT * 0.1 < read < COUNT * 0.9  # neither all sound nor all broken


def test_the_command_line_answers_each(corpus, tmp_path, tmp_path_factory, capsys):
    for index, file in enumerate(corpus[::5]):
        (tmp_path / f"{index:04}").write_bytes(file)
    with tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18)):
        assert main(["predict", str(tmp_path), "--depth", "18", "--json"]) == 2
    out, err = capsys.readouterr()
    answered = [json.loads(line)["image"] for line in out.splitlines()]
    refused = [line.split(": ")[0] for line in err.splitlines() if "The file ends too early" not in line]
    assert sorted(answered + refused) == [str(tmp_path / f"{index:04}") for index in range(COUNT // 5)]


def test_the_endpoints_answer(corpus, page, capsys):  # noqa: F811
    for file in corpus[::29]:  # A step that no number of kinds divides
        answer = call(page, "data:image/jpeg;base64," + base64.b64encode(file).decode(), None, None, 1)
        assert isinstance(answer, list) or (answer.endswith(".") and answer != en.EN["unexpected"]), answer
    assert "Traceback" not in "".join(capsys.readouterr())
