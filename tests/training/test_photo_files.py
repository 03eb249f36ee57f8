"""The size of a photograph from its file, beside that of the decoded picture."""

import numpy as np
import pytest
from PIL import Image

from hairscan.errors import DataError, PhotoError
from hairscan.photo import read_rgb
from hairscan.training.photo_files import check_apart, check_photos, upright_shape
from hairscan.training.vectors import Sample


@pytest.fixture
def save(tmp_path):
    """Save a picture of 120 x 80 px of noise, or of another size, and give its path."""

    def write(name, orientation=1, size=(80, 120, 3)):
        exif = Image.Exif()
        exif[274] = orientation
        picture = np.random.default_rng(0).integers(0, 255, size, np.uint8)
        Image.fromarray(picture).save(tmp_path / name, exif=exif)
        return tmp_path / name

    return write


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_shape_is_the_upright_one(save, ending, orientation):
    path = save(f"a.{ending}", orientation)
    assert upright_shape(path) == read_rgb(path)[0].shape[:2]
    assert upright_shape(path) == ((80, 120) if orientation < 5 else (120, 80))


def test_hairs_lie_in_their_photograph(save):
    path = save("a.png")
    near, far = (
        Sample(path, "a", "a", "a", "train", np.array([[[10.0, 10.0], [end, 20.0]]]), ("single",), 5.0)
        for end in (125.0, 140.0)
    )
    check_photos([near])
    with pytest.raises(DataError, match="120 x 80 px, and hairs of it lie outside"):
        check_photos([far])


def test_a_photograph_may_be_labelled_twice_in_one_part_only(save):
    first, again, other = (save(name) for name in ("a.png", "b.png", "c.png"))
    samples = [
        Sample(path, path.stem, path.stem, path.stem, part, np.zeros((0, 2, 2)), (), 5.0)
        for path, part in ((first, "train"), (again, "train"), (other, "tune"))
    ]
    check_apart(samples[:2])
    with pytest.raises(DataError, match=r"a\.png \(train\) and c\.png \(tune\) in .* are the same photograph"):
        check_apart(samples)


def test_what_is_no_whole_photograph(save, tmp_path):
    whole = save("whole.png").read_bytes()
    for content in (b"", b"no picture", whole[:40], whole[:-100]):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.png is not a readable photograph"):
            upright_shape(tmp_path / "a.png")
    for path in (tmp_path, tmp_path / "missing.png"):
        with pytest.raises(DataError, match="is not a readable photograph"):
            upright_shape(path)
    with pytest.raises(PhotoError, match="needs at least 64 px"):
        upright_shape(save("small.png", size=(32, 32, 3)))
