"""What a model folder says about itself: `spec.json`, and the order of the network's channels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, field_validator, model_validator

from hairscan.errors import ModelError
from hairscan.files import Record, cannot_read
from hairscan.types import N_DIRECTIONS

COVERAGE = 0
ROOT = 1
TIP = 2
FIRST_DIRECTION = 3
N_CHANNELS = FIRST_DIRECTION + N_DIRECTIONS
CELL_PX = 2
"""Input pixels per map cell, each way."""
INPUT, OUTPUT = "image", "maps"
"""What every network calls its input and its output."""


class ModelSpec(Record):
    """The facts that a backend and the tracer need to run one set of weights.

    Attributes
    ----------
    um_per_px : float
        Scale to which photographs are brought before the network sees them.
    multiple : int
        Height and width of the input must divide by this.
    channels : list of str
        Name of every output channel, in order.
    confidence_weights : list of float
        Intercept and weights of the logistic model that turns readings along a shaft into a probability.
    hair_threshold : float
        Least probability of a hair.
    sha256 : str
        Of `model.onnx`.
    weights_sha256 : str or None
        Of `weights.safetensors`; None where the folder has no weights for PyTorch.
    """

    name: str
    version: str
    um_per_px: float = Field(ge=1, le=50)
    multiple: int = Field(gt=0)
    channels: list[str]
    confidence_weights: tuple[FiniteFloat, ...]
    hair_threshold: float = Field(gt=0, lt=1)
    sha256: str
    weights_sha256: str | None = None

    @field_validator("multiple")
    @classmethod
    def _halves_down_to_cells(cls, multiple: int) -> int:
        """Every level of a network halves the one before, and the first halving makes cells."""
        if multiple < CELL_PX or multiple & (multiple - 1):
            raise ValueError("a power of two, from the side of a cell on")
        return multiple


Precision = Literal["fp32", "fp16", "int8"]
"""Numbers in which a bundle's network computes; what goes in and comes out is float32 always."""
TOLERANCES: dict[Precision, tuple[float, float]] = {"fp32": (1e-3, 1e-5), "fp16": (2e-2, 1e-4), "int8": (0.3, 5e-4)}
"""Largest and mean difference from the fp32 maps: room for another processor's rounding, none for a mistake.

In 8 bits single cells at the rim of a hair move far; a wrong network moves the mean.
"""
RESIZING_TOLERANCE = (0.04, 5e-5)
"""Added where the maps begin at a photograph: resized elsewhere, one byte in seven may be rounded to its neighbour."""
FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]


class TensorFile(Record):
    """A tensor as a bare file: little-endian float32, last axis fastest."""

    file: FileName
    shape: tuple[int, int, int, int]
    sha256: str


class PhotoTest(Record):
    """A photograph with the maps that belong to it: resizing, padding and tiles are tested too.

    Attributes
    ----------
    um_per_px : float
        Scale of the photograph.
    max_difference, mean_difference : float
        As in `SelfTest`.
    """

    file: FileName
    sha256: str
    um_per_px: float = Field(gt=0)
    expected: TensorFile
    max_difference: float
    mean_difference: float


class SelfTest(Record):
    """An input with the maps that belong to it, and how far a bundle's own maps may be from them.

    Attributes
    ----------
    photo, coarse_photo : PhotoTest
        The same from a photograph on: one that is shrunk to the network's scale, and one that is enlarged.
    max_difference, mean_difference : float
        Largest and mean absolute difference that are let pass, on maps in 0..1.
    """

    input: TensorFile
    expected: TensorFile
    photo: PhotoTest
    coarse_photo: PhotoTest
    max_difference: float
    mean_difference: float

    @property
    def photos(self) -> tuple[PhotoTest, ...]:
        """All that begin at a photograph."""
        return self.photo, self.coarse_photo


class TensorFacts(Record):
    """What the network takes or gives."""

    name: str
    dtype: Literal["float32"] = "float32"
    layout: Literal["NCHW"] = "NCHW"
    values: str


class BundleSpec(ModelSpec):
    """A model's facts, with all that a program without hairscan needs to run it.

    Attributes
    ----------
    source_sha256 : str
        Of the fp32 `model.onnx` that the bundle was made from.
    cell_px : int
        Input pixels per map cell, each way.
    tile_px, margin_px : int
        Tiles in which large pictures are run, and the rim of each that is dropped.
    confidence_readings : tuple of str
        What `confidence_weights` weigh, after the intercept.
    """

    hairscan_version: str
    precision: Precision
    opset: int
    source_sha256: str
    input: TensorFacts
    output: TensorFacts
    cell_px: int
    tile_px: int = Field(gt=0)
    margin_px: int = Field(gt=0)
    confidence_readings: tuple[str, ...]
    self_test: SelfTest

    @model_validator(mode="after")
    def _can_be_right(self) -> Self:
        """Refuse what no exporter writes: hairs would be counted with it all the same, or a broken network pass."""
        largest, mean = TOLERANCES[self.precision]
        test = self.self_test
        largest_of_photo, mean_of_photo = largest + RESIZING_TOLERANCE[0], mean + RESIZING_TOLERANCE[1]
        right = {
            "confidence_weights": len(self.confidence_weights) == 1 + len(self.confidence_readings),
            "cell_px": self.cell_px == CELL_PX,
            "input": self.input.name == INPUT,
            "output": self.output.name == OUTPUT,
            "precision": test.max_difference <= largest and test.mean_difference <= mean,
            "photographs": all(
                photo.max_difference <= largest_of_photo and photo.mean_difference <= mean_of_photo
                for photo in test.photos
            ),
        }
        if wrong := [name for name, is_right in right.items() if not is_right]:
            raise ValueError(f"impossible: {', '.join(wrong)}")
        return self


def channel_names() -> list[str]:
    """Name of every output channel, in the order of the network's output."""
    step = 360 // N_DIRECTIONS
    return ["coverage", "root", "tip", *(f"centreline_{k * step:03d}deg" for k in range(N_DIRECTIONS))]


def whole_file(path: Path, sha256: str) -> Path:
    """The path, once its file is known to be whole.

    Raises
    ------
    ModelError
        Where the file is missing, cannot be read, or is not the one that `spec.json` names.
    """
    try:
        is_whole = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError as error:
        raise ModelError(cannot_read(path, error)) from error
    if not is_whole:
        raise ModelError(f"{path} is missing or damaged (its sha256 is not the one in spec.json): restore the file")
    return path
