"""A training recipe: everything that decides the weights besides the photographs, read from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, PositiveInt, ValidationError, model_validator

from hairscan.errors import DataError
from hairscan.files import Record, cannot_read
from hairscan.shipped import shipped


class Recipe(Record):
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

    name: str
    seed: int = Field(0, ge=0, lt=2**32)
    um_per_px: float = Field(5.56, ge=1, le=50)
    widths: tuple[PositiveInt, ...] = Field((32, 64, 96, 160, 192), min_length=1)
    crop_px: int = Field(320, gt=0, multiple_of=32)
    phantom_share: float = Field(0.3, ge=0, le=1)
    phantom_scenes: int = Field(600, gt=0)
    steps: int = Field(8000, gt=0)
    batch: int = Field(8, gt=0)
    learning_rate: float = Field(2e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.02, ge=0, allow_inf_nan=False)
    warmup_steps: int = Field(200, gt=0)
    decay_share: float = Field(0.4, gt=0, le=1)
    average_decay: float = Field(0.998, ge=0, lt=1)
    revised: bool = False
    grafts: int = Field(0, ge=0)
    keep_share: float = Field(0.0, ge=0, lt=1)
    checkpoint_every: int = Field(250, gt=0)

    @model_validator(mode="after")
    def _crops_divide(self) -> Self:
        """Every level of the network halves the one before."""
        if self.crop_px % 2 ** len(self.widths):
            raise ValueError(f"crop_px must divide by {2 ** len(self.widths)} for {len(self.widths)} widths")
        return self


def fine_tuning() -> Path:
    """The recipe that fine-tunes a model on a user's own photographs."""
    return shipped("configs") / "fine-tune.yaml"


def read_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file.

    Raises
    ------
    DataError
        Where the file is missing, cannot be read or says something unknown.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: give a training recipe such as configs/default.yaml") from error
    except OSError as error:
        raise DataError(cannot_read(path, error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        what = ": ".join([*(str(name) for name in first["loc"][:1]), first["msg"]])
        raise DataError(f"{path} is not a training recipe: {what}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a training recipe: {' '.join(str(error).split())}") from error
