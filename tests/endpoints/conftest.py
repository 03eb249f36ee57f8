import numpy as np
import pytest

from hairscan.types import Hair, Photo, Scale


@pytest.fixture
def make_hair():
    def make(hair_id, root, tip, width_px=8.0, **fields):
        path_xy = np.linspace(root, tip, 30)
        fields = {"root_seen": True, "tip_seen": True, "confidence": 0.9, "width_se_px": 0.2, **fields}
        return Hair(hair_id, path_xy, width_px=width_px, **fields)

    return make


@pytest.fixture
def make_photo():
    def make(width_px=1000, height_px=800, um_per_px=10.0, sd=0.1):
        rgb = np.full((height_px, width_px, 3), 180, np.uint8)
        scale = None if um_per_px is None else Scale(um_per_px, sd, "user")
        return Photo("a.jpg", rgb, np.zeros((height_px, width_px), np.uint8), scale, "0" * 64, 1.2)

    return make
