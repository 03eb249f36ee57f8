"""A model folder becomes a model that is ready to run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hairscan.errors import ModelError
from hairscan.files import cannot_read
from hairscan.segment.backend import Backend
from hairscan.segment.device import open_backend
from hairscan.segment.spec import BundleSpec, ModelSpec, channel_names
from hairscan.shipped import shipped

SPECS: TypeAdapter[ModelSpec | BundleSpec] = TypeAdapter(ModelSpec | BundleSpec)
"""A model folder's `spec.json` is one or the other: neither takes the other's fields."""


@dataclass(frozen=True, slots=True)
class Segmenter:
    """Weights on a device, with what they need to be used."""

    spec: ModelSpec
    backend: Backend

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.spec.name

    @property
    def sha256(self) -> str:
        """Hash of the model's file."""
        return self.spec.sha256


def model_folders() -> dict[str, Path]:
    """Name and folder of every model that came with the package."""
    return {spec.parent.name: spec.parent for spec in sorted(shipped("models").glob("*/spec.json"))}


def load_model(name: str | Path = "default", device: str = "auto", *, threads: int | None = None) -> Segmenter:
    """The model of this name, or in this folder, on a device.

    Parameters
    ----------
    threads : int, optional
        Threads of the CPU for one picture; all cores where nothing is said.

    Raises
    ------
    ModelError
        Where there is none, or its files are damaged.
    DeviceError
        Where the device cannot run it.
    """
    folder = find_model(name)
    spec = read_spec(folder)
    if spec.channels != channel_names():
        raise ModelError(f"{folder} was made for another version of hairscan: update hairscan or the model")
    return Segmenter(spec, open_backend(folder, spec, device, threads))


def find_model(name: str | Path) -> Path:
    """Folder of a shipped model, or the folder itself.

    Raises
    ------
    ModelError
        Where there is neither, or the folder cannot be read.
    """
    ours = model_folders()
    folder = ours.get(str(name)) or Path(name)
    try:
        is_model = (folder / "spec.json").is_file()
    except OSError as error:
        raise ModelError(cannot_read(folder, error)) from error
    if not is_model:
        raise ModelError(f"no model {str(name)!r}: give one of {', '.join(ours) or 'none shipped'}, or a model folder")
    return folder


def read_spec(folder: Path) -> ModelSpec | BundleSpec:
    """The facts in the `spec.json` of a model folder or of a bundle.

    Raises
    ------
    ModelError
        Where the file cannot be read, or does not say what is needed.
    """
    path = folder / "spec.json"
    try:
        return SPECS.validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(cannot_read(path, error)) from error
    except (ValidationError, UnicodeDecodeError) as error:
        what = f" ({_first_fault(error)})" if isinstance(error, ValidationError) else ""
        raise ModelError(f"{path} is damaged{what}: restore the file from the distribution") from error


def spec_sha256(folder: Path) -> str:
    """Hash of what a model folder says of its network: scale, weights and threshold may have been fitted anew."""
    return hashlib.sha256((folder / "spec.json").read_bytes()).hexdigest()


def _first_fault(error: ValidationError) -> str:
    """The field that is wrong and why, as the kind of spec that fits best sees it."""
    faults = error.errors()
    kinds = [fault["loc"][:1] for fault in faults]
    fault = faults[kinds.index(min(kinds, key=kinds.count))]
    return ": ".join([*(str(name) for name in fault["loc"][1:]), fault["msg"].removeprefix("Value error, ")])
