import itertools

import numpy as np
import pytest

from hairscan.segment.spec import CELL_PX, N_CHANNELS
from hairscan.segment.tiling import MARGIN_PX, TILE_PX, run_tiled, spans


class LocalBackend:
    """A network of a known answer: each channel is the mean of its cell's pixels, channel by channel of the picture."""

    device = "cpu"

    def __init__(self, batch=1):
        self.batch = batch
        self.shapes = []

    def run(self, images):
        self.shapes.append(images.shape)
        n, c, h, w = images.shape
        cells = images.reshape(n, c, h // CELL_PX, CELL_PX, w // CELL_PX, CELL_PX).mean(axis=(3, 5))
        return np.concatenate([cells] * 5, axis=1)[:, :N_CHANNELS]


@pytest.mark.parametrize("length", [32, 640, 832, 864, 1024, 1280, 1536, 1568, 1920, 5000 // 32 * 32])
def test_spans_keep_every_pixel_once(length):
    tiles = spans(length, multiple=32)
    assert tiles[0].keep_start == 0
    assert tiles[-1].keep_stop == length
    for left, right in itertools.pairwise(tiles):
        assert left.keep_stop == right.keep_start
        assert left.stop - left.keep_stop >= MARGIN_PX
        assert right.keep_start - right.start >= MARGIN_PX
    for tile in tiles:
        assert tile.start >= 0
        assert tile.stop <= length
        assert (tile.stop - tile.start) % 32 == 0
        assert tile.start % 32 == 0
    (size,) = {tile.stop - tile.start for tile in tiles}
    assert size <= TILE_PX


def test_tiles_are_no_larger_than_it_takes():
    first, second = spans(864, multiple=32)
    assert first.stop - first.start == 512  # half of 864 and the overlap of 128, rounded up to 32
    assert second.start == 864 - 512


@pytest.mark.parametrize("size", [(64, 64), (101, 67), (512, 640), (1000, 900), (700, 2100)])
def test_tiled_equals_whole(size):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    backend = LocalBackend()
    maps = run_tiled(backend, rgb, multiple=32)
    assert maps.shape == (N_CHANNELS, -(-size[0] // 2), -(-size[1] // 2))
    even = rgb[: size[0] // 2 * 2, : size[1] // 2 * 2].astype(np.float32) / 255.0
    cells = even.reshape(size[0] // 2, 2, size[1] // 2, 2, 3).mean(axis=(1, 3))
    assert np.allclose(maps[:3, : size[0] // 2, : size[1] // 2], cells.transpose(2, 0, 1), atol=1e-6)
    assert all(max(shape) <= TILE_PX for shape in backend.shapes)


def test_tiles_are_run_in_batches_of_the_backend_s_size():
    rgb = np.random.default_rng(0).integers(0, 256, (1501, 2003, 3), dtype=np.uint8)
    one, three = LocalBackend(), LocalBackend(batch=3)
    assert np.array_equal(run_tiled(one, rgb, multiple=32), run_tiled(three, rgb, multiple=32))
    tiles = len(spans(1504, multiple=32)) * len(spans(2016, multiple=32))
    assert [shape[0] for shape in one.shapes] == [1] * tiles
    assert [shape[0] for shape in three.shapes] == [3] * (tiles // 3) + [tiles % 3] * (tiles % 3 > 0)


def test_a_read_only_picture_is_left_alone():
    rgb = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    before = rgb.copy()
    rgb.flags.writeable = False
    run_tiled(LocalBackend(), rgb, multiple=32)
    assert np.array_equal(rgb, before)
