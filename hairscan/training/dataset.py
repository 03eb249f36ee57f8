"""An endless, repeatable stream of training crops from photographs and phantoms."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from hairscan.phantom import KINDS, render_scene, sample_scene
from hairscan.training.augment import Augment
from hairscan.training.example import Example, example_of_phantom, example_of_sample
from hairscan.training.recipe import Recipe
from hairscan.training.targets import render_targets
from hairscan.training.vectors import Sample

PHANTOM_SIDE_PX = 512


def load_photos(samples: list[Sample], recipe: Recipe) -> list[Example]:
    """Examples of annotated photographs, in the order of `samples`."""
    return [
        example_of_sample(sample, photo_um_per_px=recipe.photo_um_per_px, um_per_px=recipe.um_per_px)
        for sample in samples
    ]


def render_phantoms(recipe: Recipe) -> list[Example]:
    """Rendered scenes of every kind in turn; the same for the same seed, however many processes draw them."""
    if recipe.phantom_share == 0.0:
        return []
    draw = partial(_render_phantom, seed=recipe.seed, um_per_px=recipe.um_per_px)
    with ProcessPoolExecutor() as pool:
        return list(pool.map(draw, range(recipe.phantom_scenes), chunksize=8))


def _render_phantom(index: int, *, seed: int, um_per_px: float) -> Example:
    rng = np.random.default_rng((seed, index))
    kind = KINDS[index % len(KINDS)]
    scene = sample_scene(kind, rng, width_px=PHANTOM_SIDE_PX, height_px=PHANTOM_SIDE_PX, um_per_px=um_per_px)
    return example_of_phantom(render_scene(scene, rng))


class CropStream(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Crop `i` of a training run: image (3, S, S) in 0..1, target and weight (N_CHANNELS, S/2, S/2).

    Crop `i` depends on the seed and `i` alone, so a run that was killed goes on as if it had not been.
    """

    def __init__(self, photos: list[Example], phantoms: list[Example], recipe: Recipe, first: int) -> None:
        self._pools = (photos, phantoms)
        self._recipe = recipe
        self._first = first
        self._augment = Augment(recipe.crop_px)

    def __len__(self) -> int:
        return self._recipe.steps * self._recipe.batch - self._first

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng((self._recipe.seed, 1, self._first + index))
        pool = self._pools[int(rng.random() < self._recipe.phantom_share)]
        example = self._augment(pool[rng.integers(len(pool))], seed=int(rng.integers(2**31)))
        target, weight = render_targets(example.labels, example.paths_px, example.ends_seen)
        image = torch.from_numpy(example.rgb.transpose(2, 0, 1).copy()).float().div_(255.0)
        return image, torch.from_numpy(target), torch.from_numpy(weight)
