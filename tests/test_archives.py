"""Archives that strangers made: photos come out one by one, and everything else is a sentence."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
import tiny

from resnet_demo.errors import UserError
from resnet_demo.images import archives
from resnet_demo.images.decode import open_photo


def jpeg(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    tiny.photo(40, 30, seed).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def pack(tmp_path):
    """A function: name → content, and how it is packed → (path, name) of a zip."""

    def make(files: dict[str, bytes], name: str = "photos.zip", method: int = zipfile.ZIP_DEFLATED) -> tuple[str, str]:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in files.items():
                archive.writestr(entry, content)
        return str(path), name

    return make


def names(*uploads: tuple[str, str]) -> list[str]:
    with archives.opened(uploads) as sources:
        return [source.name for source in sources]


def why_not(upload: tuple[str, str], index: int = 0) -> str:
    """What a file of an upload says when it is read."""
    with archives.opened([upload]) as sources, pytest.raises(UserError) as caught:
        sources[index].read()
    return str(caught.value)


def test_photos_come_out_of_nested_folders_with_their_paths(pack):
    upload = pack({"a.jpg": jpeg(1), "trip/a.jpg": jpeg(2), "trip/day 2/鳥.jpg": jpeg(3), "empty/": b""})
    with archives.opened([upload]) as sources:
        assert [source.name for source in sources] == ["a.jpg", "trip/a.jpg", "trip/day 2/鳥.jpg"]
        assert [source.read() for source in sources] == [jpeg(1), jpeg(2), jpeg(3)]


def test_single_files_are_handed_on_as_they_are(tmp_path):
    path = tmp_path / "0123.jpg"
    path.write_bytes(jpeg())
    with archives.opened([(str(path), "my photo.jpg")]) as (source,):
        assert source.name == "my photo.jpg"
        assert open_photo(source.read()).size == (40, 30)


def test_what_systems_add_is_left_out(pack):
    litter = ("__MACOSX/._a.jpg", "__MACOSX/trip/x.jpg", ".DS_Store", "trip/.hidden.jpg", "Thumbs.db", "desktop.ini")
    assert names(pack({**dict.fromkeys(litter, b"x"), "trip/a.jpg": jpeg()})) == ["trip/a.jpg"]


def test_several_archives_and_files_keep_their_names_apart(pack, tmp_path):
    (tmp_path / "1").write_bytes(jpeg())
    photo = str(tmp_path / "1"), "a.jpg"
    uploads = [pack({"a.jpg": jpeg()}, "one.zip"), pack({"a.jpg": jpeg()}, "two.zip"), photo, photo, photo]
    assert names(*uploads) == ["one.zip/a.jpg", "two.zip/a.jpg", "a.jpg", "a (2).jpg", "a (3).jpg"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.jpg", "etc/passwd.jpg"),
        ("/etc/a.jpg", "etc/a.jpg"),
        ("C:\\Users\\..\\a.jpg", "Users/a.jpg"),
        ("x\u202egpj.exe\n\x00\t.jpg", "x gpj.exe   .jpg"),
        ("..", "?"),
        ("<b>&.jpg", "<b>&.jpg"),  # What shows it escapes it.
        ("花 é.jpg", "花 é.jpg"),
    ],
)
def test_names_lead_nowhere_and_mislead_nobody(name, shown):
    assert archives.clean(name) == shown


def test_paths_out_of_the_archive_are_names_only(pack, tmp_path):
    with archives.opened([pack({"../../../outside.jpg": jpeg(), "/tmp/absolute.jpg": jpeg()})]) as sources:
        assert [source.name for source in sources] == ["outside.jpg", "tmp/absolute.jpg"]
        assert all(source.read() == jpeg() for source in sources)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos.zip"]


def test_names_in_utf_8_that_the_archive_does_not_declare(pack):
    """As macOS writes them."""
    path, name = pack({"Blüte_花.jpg": jpeg()})
    content = bytearray(Path(path).read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(signature) + at
        content[place : place + 2] = struct.pack("<H", struct.unpack("<H", content[place : place + 2])[0] & ~0x800)
    Path(path).write_bytes(content)
    assert names((path, name)) == ["Blüte_花.jpg"]


def test_encrypted_files_say_so_and_the_others_come_out(pack):
    path, name = pack({"secret.jpg": jpeg(), "b.jpg": jpeg()})
    content = bytearray(Path(path).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    Path(path).write_bytes(content)
    assert "encrypted: unpack the archive with its password" in why_not((path, name))
    with archives.opened([(path, name)]) as sources:
        assert sources[1].read() == jpeg()


def test_damaged_bytes_spoil_one_file_only(pack):
    path, name = pack({"a.jpg": jpeg(), "b.jpg": jpeg(1)}, method=zipfile.ZIP_STORED)
    content = bytearray(Path(path).read_bytes())
    content[content.index(b"\xff\xd8") + 200] ^= 0xFF
    Path(path).write_bytes(content)
    assert "damaged inside its archive" in why_not((path, name))
    with archives.opened([(path, name)]) as sources:
        assert sources[1].read() == jpeg(1)


def test_a_cut_off_archive_is_one_file_with_a_reason(pack, tmp_path):
    path, name = pack({"a.jpg": jpeg(), "b.jpg": jpeg()})
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2])
    assert names((path, name)) == ["photos.zip"]
    assert "cut off or damaged" in why_not((path, name))


@pytest.mark.parametrize("content", [b"Rar!\x1a\x07\x01\x00", b"7z\xbc\xaf\x27\x1c\x00\x04", b"\x1f\x8b\x08"])
def test_other_archives_are_named_as_such(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert "only zip is opened" in why_not((str(tmp_path / "x"), "photos.rar"))


def test_archives_in_archives_are_not_opened(pack):
    inner = Path(pack({"a.jpg": jpeg()}, "inner.zip")[0]).read_bytes()
    assert "archive inside an archive" in why_not(pack({"inner.zip": inner}))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit_are_refused(pack, method):
    assert "unusual way" in why_not(pack({"a.jpg": jpeg()}, method=method))


def test_a_bomb_is_refused_by_what_it_declares(pack, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 100_000)
    assert "larger than 0.1 MB" in why_not(pack({"bomb.bmp": bytes(5_000_000)}))
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 250_000)
    upload = pack({f"{number}.bmp": bytes(90_000) for number in range(3)})
    assert names(upload) == ["photos.zip"]
    assert "when unpacked" in why_not(upload)


def test_a_bomb_that_declares_less_than_it_holds_gives_no_more_than_that(pack):
    path, name = pack({"bomb.bmp": bytes(5_000_000)})
    content = bytearray(Path(path).read_bytes())
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 1000)
    Path(path).write_bytes(content)
    assert "damaged inside" in why_not((path, name))


def test_a_table_of_contents_without_end_is_not_read(pack, monkeypatch):
    """Two thousand empty files: 130 KB of names that would become an object each."""
    monkeypatch.setattr(archives, "PIECE", 100_000)
    upload = pack({f"{number:06}.jpg": b"" for number in range(2_000)}, method=zipfile.ZIP_STORED)
    assert names(upload) == ["photos.zip"]
    assert "lists too many files" in why_not(upload)


def test_too_many_files_are_refused_at_once(pack, monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(UserError, match="These are 4 files: choose at most 3 at a time."):
        names(pack({f"{number}.jpg": b"" for number in range(4)}))


def test_an_archive_without_files_has_none(pack):
    assert names(pack({})) == []
    assert names(pack({"folder/": b""})) == []
