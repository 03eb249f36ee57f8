"""Random changes of a training example: geometry that keeps its labels true, and everything cameras do to colour.

The only file that imports albumentations, so that it can be replaced.
"""

from __future__ import annotations

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

from hairscan.training.example import Example
from hairscan.training.weak_labels import UNJUDGED


class Augment:
    """Crops and changes examples; the same seed changes the same example in the same way.

    Parameters
    ----------
    crop_px : int
        Side of the square that comes out.
    """

    def __init__(self, crop_px: int) -> None:
        reach = int(np.ceil(crop_px * 1.42))
        self._compose = A.Compose(
            [
                A.PadIfNeeded(reach, reach, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=UNJUDGED),
                A.RandomCrop(reach, reach),
                A.Affine(
                    scale=(0.8, 1.25),
                    rotate=(-180, 180),
                    shear=(-6, 6),
                    interpolation=cv2.INTER_LINEAR,
                    mask_interpolation=cv2.INTER_NEAREST,
                    border_mode=cv2.BORDER_CONSTANT,
                    fill=0,
                    fill_mask=UNJUDGED,
                    p=0.9,
                ),
                A.CenterCrop(crop_px, crop_px),
                A.HorizontalFlip(p=0.5),
                A.RandomBrightnessContrast(0.25, 0.3, p=0.7),
                A.HueSaturationValue(18, 35, 12, p=0.6),
                A.RGBShift(15, 15, 15, p=0.3),
                A.RandomGamma((70, 140), p=0.3),
                A.ToGray(p=0.06),
                A.OneOf([A.GaussianBlur(sigma_limit=(0.4, 1.4)), A.Downscale((0.45, 0.8)), A.Sharpen()], p=0.4),
                A.GaussNoise(std_range=(0.01, 0.05), p=0.25),
                A.ImageCompression(quality_range=(45, 95), p=0.3),
            ],
            keypoint_params=A.KeypointParams(format="xy", remove_invisible=False),
        )

    def __call__(self, example: Example, seed: int) -> Example:
        """A changed copy of `example`, `crop_px` square."""
        self._compose.set_random_seed(seed)
        points = np.concatenate(example.paths_px) if example.paths_px else np.zeros((0, 2))
        out = self._compose(image=example.rgb, mask=example.labels, keypoints=points.astype(np.float32))
        lengths = np.cumsum([len(path) for path in example.paths_px])[:-1]
        changed: NDArray[np.float64] = np.asarray(out["keypoints"], np.float64).reshape(-1, 2)
        paths = np.split(changed, lengths) if example.paths_px else []
        return Example(out["image"], out["mask"], paths, example.ends_seen)
