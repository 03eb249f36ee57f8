"""A training recipe: everything that decides the weights besides the photographs, read from a YAML file."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hairscan.errors import DataError
from hairscan.shipped import shipped


class Recipe(BaseModel):
    """One way to train the network.

    Attributes
    ----------
    um_per_px : float
        Scale at which the network sees every photograph.
    widths : tuple of int
        Channels per level of the network.
    phantom_share : float
        Share of rendered scenes in every batch; 1 trains without photographs.
    phantom_scenes : int
        Scenes rendered over the whole run; a few dozen take turns at any time.
    steps, batch : int
        Batches seen and crops in each.
    decay_share : float
        Last part of the steps in which the learning rate falls to zero.
    revised : bool
        Whether the model that a run begins with revises the labels of the photographs (`hairscan.training.revise`).
    grafts : int
        Most hairs that are set into a photograph, each time it is shown, from others (`hairscan.training.grafts`).
    keep_share : float
        Share of the weights that a run began with in its result: a mean of both is often better than either
        (Wortsman et al. 2022, arXiv 2109.01903).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    seed: int = 0
    um_per_px: float = Field(5.56, ge=1, le=50)
    widths: tuple[int, ...] = (32, 64, 96, 160, 192)
    crop_px: int = Field(320, multiple_of=32)
    phantom_share: float = Field(0.3, ge=0, le=1)
    phantom_scenes: int = 600
    steps: int = Field(8000, gt=0)
    batch: int = Field(8, gt=0)
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = Field(200, gt=0)
    decay_share: float = 0.4
    average_decay: float = 0.998
    revised: bool = False
    grafts: int = Field(0, ge=0)
    keep_share: float = Field(0.0, ge=0, lt=1)
    checkpoint_every: int = Field(250, gt=0)


def fine_tuning() -> Path:
    """The recipe that fine-tunes a model on a user's own photographs."""
    return shipped("configs") / "fine-tune.yaml"


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file.

    Raises
    ------
    DataError
        Where the file is missing or says something unknown.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: give a training recipe such as configs/default.yaml")
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a training recipe: {' '.join(str(error).split())}") from error
