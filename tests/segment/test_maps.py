import numpy as np
import pytest

from hairscan.phantom import render_scene, sample_scene
from hairscan.photo import read_photo
from hairscan.segment.maps import TYPICAL_SHAFT_UM, assume_um_per_px, resized


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
def test_without_a_scale_shafts_are_taken_to_be_of_typical_width(segmenter, factor):
    rng = np.random.default_rng(4)
    phantom = render_scene(sample_scene("clipped", rng, width_px=960, height_px=768, um_per_px=4.0), rng)
    true_um = np.mean([hair.width_um for hair in phantom.hairs if not hair.loose])
    assumed = assume_um_per_px(read_photo(resized(phantom.rgb, factor)), segmenter)
    assert assumed * factor * true_um / 4.0 == pytest.approx(TYPICAL_SHAFT_UM, rel=0.2)


def test_a_picture_without_hair_gets_a_scale_too(segmenter):
    bare = np.full((300, 400, 3), 170, np.uint8)
    bare[::7, ::5] = 150
    assert assume_um_per_px(read_photo(bare), segmenter) > 0
