"""An endless, repeatable stream of training crops from photographs and phantoms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from hairscan.phantom import KINDS, render_scene, sample_scene
from hairscan.segment import Segmenter
from hairscan.training.augment import Augment
from hairscan.training.example import Example, example_of_phantom, example_of_sample
from hairscan.training.grafts import cut_grafts, graft_hairs
from hairscan.training.recipe import Recipe
from hairscan.training.targets import render_targets
from hairscan.training.vectors import Sample

PHANTOM_SIDE_UM = 2300.0
PHANTOM_UM_PER_PX = (3.5, 7.0)
"""Phantoms are photographed at scales around the network's, then resized, as photographs of users are."""
SCENES_AT_HAND = 48
"""So many scenes take turns at any time; the oldest leaves as a new one is drawn."""
TUNE_CROPS = 64


def load_photos(samples: Iterable[Sample], recipe: Recipe, reviser: Segmenter | None = None) -> list[Example]:
    """Examples of annotated photographs, in the order of `samples`; a model may revise their labels."""
    return [example_of_sample(sample, um_per_px=recipe.um_per_px, reviser=reviser) for sample in samples]


@lru_cache(maxsize=2 * SCENES_AT_HAND)
def draw_example(number: int, seed: int, um_per_px: float) -> Example:
    """Rendered scene `number` of a training run, at the network's scale; the kinds take turns."""
    rng = np.random.default_rng((seed, number))
    low, high = np.log(PHANTOM_UM_PER_PX)
    native_um_per_px = float(np.exp(rng.uniform(low, high)))
    side_px = round(PHANTOM_SIDE_UM / native_um_per_px)
    kind = KINDS[number % len(KINDS)]
    scene = sample_scene(kind, rng, width_px=side_px, height_px=side_px, um_per_px=native_um_per_px)
    return example_of_phantom(render_scene(scene, rng), um_per_px=um_per_px)


class CropStream(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Crop `i` of a training run: image (3, S, S) in 0..1, target and weight (N_CHANNELS, S/2, S/2).

    Crop `i` depends on the seed and `i` alone, so a run that was killed goes on as if it had not been.
    """

    def __init__(self, photos: list[Example], recipe: Recipe, first: int) -> None:
        # Many workers must not take the processor from the network. Said before they are forked: after it would hang.
        cv2.setNumThreads(1)
        self._photos = photos
        self._grafts = cut_grafts(photos, um_per_px=recipe.um_per_px) if recipe.grafts else []
        self._recipe = recipe
        self._first = first
        self._augment = Augment(recipe.crop_px)

    def __len__(self) -> int:
        return self._recipe.steps * self._recipe.batch - self._first

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        recipe, number = self._recipe, self._first + index
        rng = np.random.default_rng((recipe.seed, 1, number))
        if rng.random() < recipe.phantom_share:
            oldest = number * recipe.phantom_scenes // (recipe.steps * recipe.batch)
            example = draw_example(oldest + int(rng.integers(SCENES_AT_HAND)), recipe.seed, recipe.um_per_px)
        else:
            example = self._photos[rng.integers(len(self._photos))]
            if recipe.grafts:
                count = int(rng.integers(recipe.grafts + 1))
                example = graft_hairs(example, self._grafts, count, rng, um_per_px=recipe.um_per_px)
        example = self._augment(example, seed=int(rng.integers(2**31)))
        target, weight = render_targets(example.labels, example.paths_px, example.ends_seen)
        image = torch.from_numpy(example.rgb.transpose(2, 0, 1).copy()).float().div_(255.0)
        return image, torch.from_numpy(target), torch.from_numpy(weight)


def tune_crops(samples: list[Sample], recipe: Recipe) -> list[list[Tensor]]:
    """Batches of crops of the tune part, always the same ones: what a run is watched by. Empty without such a part."""
    chosen = [sample for sample in samples if sample.part == "tune"]
    if not chosen:
        return []
    photos = load_photos(chosen[:: -(-len(chosen) // TUNE_CROPS)], recipe)
    stream = CropStream(photos, recipe.model_copy(update={"phantom_share": 0.0, "grafts": 0}), 0)
    return list(DataLoader(Subset(stream, range(TUNE_CROPS)), recipe.batch))
