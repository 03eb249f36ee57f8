import hashlib
import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from hairscan.errors import PhotoError, ScaleError
from hairscan.photo import read_photo
from hairscan.photo.read import read_rgb


@pytest.fixture(scope="module")
def picture(make_skin):
    return make_skin(96, 128, hairs=3)


def _save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF"])
def test_lossless_files_give_their_own_pixels(tmp_path, picture, name):
    path = _save(tmp_path / name, picture)
    rgb, sha256 = read_rgb(path)
    np.testing.assert_array_equal(rgb, picture)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_jpeg_is_close_to_the_original_and_not_swapped(tmp_path, picture):
    rgb, _ = read_rgb(_save(tmp_path / "a.jpg", picture, quality=95))
    assert np.abs(rgb.astype(int) - picture).mean() < 3


def test_grey_and_palette_and_bilevel(tmp_path, picture):
    grey = picture[..., 1]
    np.testing.assert_array_equal(read_rgb(_save(tmp_path / "g.png", grey))[0], np.dstack([grey] * 3))
    palette = Image.fromarray(picture).convert("P")
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "p.png")[0], np.asarray(palette.convert("RGB")))
    Image.fromarray(grey).convert("1").save(tmp_path / "b.png")
    assert set(np.unique(read_rgb(tmp_path / "b.png")[0])) == {0, 255}


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_by_full_range(tmp_path, picture, suffix):
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), picture[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_rgb(path)[0], picture)


def with_tag(tiff, tag, value):
    """The bytes of a little-endian TIFF with another value of one short tag."""
    at = tiff.index(struct.pack("<HHI", tag, 3, 1)) + 8
    return tiff[:at] + struct.pack("<H", value) + tiff[at + 2 :]


@pytest.mark.parametrize(("tag", "value", "what"), [(284, 2, "separate planes"), (262, 0, "negative")])
def test_kinds_of_tiff_that_the_decoder_mistakes_are_refused(tmp_path, picture, tag, value, what):
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), picture.astype(np.uint16) * 257)
    path.write_bytes(with_tag(path.read_bytes(), tag, value))
    with pytest.raises(PhotoError, match=rf"{what}.*Copy or export it again"):
        read_rgb(path)


@pytest.mark.parametrize(("kind", "is_read"), [({}, False), ({254: 1}, True), ({254: 2}, False), ({254: 4}, True)])
def test_a_tiff_of_several_pictures_is_refused_and_previews_and_masks_are_passed_over(tmp_path, picture, kind, is_read):
    second = Image.fromarray(picture[:80, :80])
    second.encoderinfo = {"tiffinfo": kind}
    path = _save(tmp_path / "a.tif", picture, save_all=True, append_images=[second])
    if is_read:
        np.testing.assert_array_equal(read_rgb(path)[0], picture)
    else:
        with pytest.raises(PhotoError, match=r"several pictures.*Copy or export it again"):
            read_rgb(path)


def test_a_tiff_whose_pages_lead_back_to_the_first_is_not_read_for_ever(tmp_path, picture):
    path = _save(tmp_path / "a.tif", picture, tiffinfo={254: 1})
    tiff = bytearray(path.read_bytes())
    start = struct.unpack_from("<I", tiff, 4)[0]
    entries = struct.unpack_from("<H", tiff, start)[0]
    struct.pack_into("<I", tiff, start + 2 + 12 * entries, start)
    path.write_bytes(tiff)
    np.testing.assert_array_equal(read_rgb(path)[0], picture)


def test_a_negative_of_eight_bits_is_turned_round(tmp_path, picture):
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), picture[..., 1])
    path.write_bytes(with_tag(path.read_bytes(), 262, 0))
    np.testing.assert_array_equal(read_rgb(path)[0][..., 0], 255 - picture[..., 1])


@pytest.mark.parametrize("bits", [10, 12, 13, 14])
def test_fewer_bits_in_sixteen_are_told_from_a_dark_photo(tmp_path, picture, bits):
    cv2.imwrite(str(tmp_path / "a.png"), picture.astype(np.uint16) * 2 ** (bits - 8))
    with pytest.raises(PhotoError, match="10, 12 or 14 bits to the full range"):
        read_rgb(tmp_path / "a.png")


def test_alpha_lies_over_white(tmp_path, picture):
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:40], alpha[40:50] = 0, 128
    rgb, _ = read_rgb(_save(tmp_path / "a.png", np.dstack([picture, alpha])))
    assert (rgb[:40] == 255).all()
    np.testing.assert_array_equal(rgb[50:], picture[50:])
    np.testing.assert_allclose(rgb[40:50], (128 * picture[40:50].astype(float) + 127 * 255) / 255, atol=0.51)


def test_grey_with_alpha_lies_over_white_or_is_refused(tmp_path, picture):
    grey = picture[..., 1]
    alpha = np.full(grey.shape, 255, np.uint8)
    alpha[:40] = 0
    rgb, _ = read_rgb(_save(tmp_path / "a.png", np.dstack([grey, alpha])))
    assert (rgb[:40] == 255).all()
    np.testing.assert_array_equal(rgb[40:, :, 0], grey[40:])
    with pytest.raises(PhotoError, match=r"grey with a second channel \(transparency\)\. Copy or export it again"):
        read_rgb(_save(tmp_path / "a.tif", np.dstack([grey, alpha])))


def test_alpha_of_a_tiff_is_all_or_nothing_or_refused(tmp_path, picture):
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:40] = 0
    rgb, _ = read_rgb(_save(tmp_path / "a.tif", np.dstack([picture, alpha])))
    assert (rgb[:40] == 255).all()
    np.testing.assert_array_equal(rgb[40:], picture[40:])
    alpha[40:50] = 128
    with pytest.raises(PhotoError, match="half transparent"):
        read_rgb(_save(tmp_path / "a.tif", np.dstack([picture, alpha])))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, form, orientation):
    upright = np.full((80, 120, 3), 150, np.uint8)
    upright[:24, :24] = (200, 30, 30)
    upright[-24:, :24] = (30, 30, 200)
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"o.{form.lower()}"
    _save(path, np.ascontiguousarray(undo(upright)), format=form, exif=exif)
    rgb, _ = read_rgb(path)
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).mean() < 4


def test_an_orientation_without_a_value_turns_nothing(tmp_path, picture):
    data = _save(tmp_path / "plain.jpg", picture).read_bytes()
    tiff = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 274, 3, 0, 0, 0)
    block = b"Exif\0\0" + tiff
    path = tmp_path / "empty-tag.jpg"
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    np.testing.assert_array_equal(read_rgb(path)[0], read_rgb(tmp_path / "plain.jpg")[0])


@pytest.mark.parametrize(
    ("name", "message"), [("", "is a folder"), (".", "is a folder"), ("/", "is a folder"), ("a\0.jpg", "is no path")]
)
def test_what_is_no_file_is_said_in_one_line(name, message):
    with pytest.raises(PhotoError, match=message):
        read_photo(name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jpg", None, "does not exist"),
        ("empty.jpg", b"", "is empty"),
        ("text.jpg", b"not a picture at all", "is not a JPEG, PNG or TIFF"),
        ("head.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "cannot be read"),
        ("head.png", b"\x89PNG\r\n\x1a\n", "cannot be read"),
        ("head.tif", b"II*\0\xff\xff\xff\x7f", "cannot be read"),
    ],
)
def test_what_is_no_picture_gets_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PhotoError, match=message) as error:
        read_rgb(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_photo(tmp_path):
    with pytest.raises(PhotoError, match="folder"):
        read_rgb(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
def test_truncated_files_are_refused(tmp_path, picture, suffix, kept):
    path = _save(tmp_path / f"whole{suffix}", picture)
    data = path.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(PhotoError, match=r"cut off|cannot be read"):
        read_rgb(cut)


def test_a_damaged_png_is_refused(tmp_path, picture):
    data = bytearray(_save(tmp_path / "a.png", picture).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "bad.png").write_bytes(data)
    with pytest.raises(PhotoError, match="damaged"):
        read_rgb(tmp_path / "bad.png")


@pytest.mark.parametrize("lost", [b"", bytes(300)])
def test_a_jpeg_that_lost_a_block_is_refused_and_its_codec_says_nothing(tmp_path, picture, capfd, lost):
    data = _save(tmp_path / "a.jpg", picture).read_bytes()
    middle = len(data) // 2
    (tmp_path / "bad.jpg").write_bytes(data[:middle] + lost + data[middle + 300 :])
    with pytest.raises(PhotoError, match="damaged"):
        read_rgb(tmp_path / "bad.jpg")
    assert capfd.readouterr() == ("", "")


def test_tags_that_the_codec_does_not_know_are_no_news(tmp_path, picture, capfd):
    path = _save(tmp_path / "a.tif", picture, tiffinfo={65000: "made by a microscope"})
    np.testing.assert_array_equal(read_rgb(path)[0], picture)
    assert capfd.readouterr() == ("", "")


def test_a_file_too_large_for_a_photo_is_not_read(tmp_path):
    with (tmp_path / "film.jpg").open("wb") as file:
        file.truncate(1_000_000_001)
    with pytest.raises(PhotoError, match="larger than 1 GB"):
        read_rgb(tmp_path / "film.jpg")


def test_a_name_that_cannot_be_written_to_a_table_is_made_printable(tmp_path, picture):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.png")
    try:
        _save(path, picture)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert read_photo(path).name == "caf\ufffd\ufffd.png"


def test_a_name_as_long_as_the_system_allows_is_read(tmp_path, picture):
    assert read_photo(_save(tmp_path / f"{'x' * 251}.png", picture)).scale is None


def test_a_jpeg_thumbnail_does_not_hide_truncation(tmp_path, picture):
    thumbnail = io.BytesIO()
    Image.fromarray(picture).save(thumbnail, "JPEG")
    body = io.BytesIO()
    Image.fromarray(picture).save(body, "JPEG")
    note = b"Exif\0\0" + thumbnail.getvalue()
    whole = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(note) + 2) + note + body.getvalue()[2:]
    (tmp_path / "whole.jpg").write_bytes(whole + b"trailing bytes")
    assert read_rgb(tmp_path / "whole.jpg")[0].shape == picture.shape
    (tmp_path / "cut.jpg").write_bytes(whole[:-200])
    with pytest.raises(PhotoError, match="cut off"):
        read_rgb(tmp_path / "cut.jpg")


def _png_of_size(width_px, height_px):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("size", "message"),
    [((1, 1), "at least 64 px"), ((2000, 63), "at least 64 px"), ((40_000, 40_000), "120 megapixels")],
)
def test_sizes_outside_the_limits_are_refused_before_decoding(tmp_path, size, message):
    (tmp_path / "a.png").write_bytes(_png_of_size(*size))
    with pytest.raises(PhotoError, match=message):
        read_rgb(tmp_path / "a.png")


@pytest.mark.parametrize(("level", "word"), [(3, "black"), (252, "white"), (140, "one flat colour")])
def test_pictures_that_show_nothing(tmp_path, level, word):
    noise = np.random.default_rng(0).integers(-1, 2, (100, 120, 3))
    path = _save(tmp_path / "a.png", (level + noise).astype(np.uint8))
    with pytest.raises(PhotoError, match=f"nothing to judge: the photo is {word}"):
        read_rgb(path)


def test_arrays_give_what_their_file_gives(tmp_path, picture):
    from_file = read_photo(_save(tmp_path / "a.png", picture), um_per_px=3.0)
    for array in (picture, picture.astype(np.uint16) * 257, picture / 255.0):
        photo = read_photo(array, um_per_px=3.0)
        assert photo.name == "array"
        np.testing.assert_array_equal(photo.rgb, from_file.rgb)
        np.testing.assert_array_equal(photo.ignored, from_file.ignored)
    assert read_photo(picture).sha256 == hashlib.sha256(picture.tobytes()).hexdigest()
    np.testing.assert_array_equal(read_photo(picture[..., 0]).rgb[..., 2], picture[..., 0])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((100, 100, 2), np.uint8),
        np.zeros((100, 100, 3), np.int64),
        np.full((100, 100), np.nan),
        np.full((100, 100), 7.0),
        np.zeros((3, 100, 100, 3), np.uint8),
        np.zeros((1, 1), np.uint8),
    ],
)
def test_arrays_that_are_no_picture(array):
    with pytest.raises(PhotoError):
        read_photo(array)


def test_the_array_of_the_caller_stays_as_it_is(picture):
    mine = picture.copy()
    mine.setflags(write=False)
    read_photo(mine)
    np.testing.assert_array_equal(mine, picture)


def test_a_wrong_scale_is_told_before_the_photo_is_read(tmp_path):
    with pytest.raises(ScaleError):
        read_photo(tmp_path / "missing.jpg", um_per_px=0)
