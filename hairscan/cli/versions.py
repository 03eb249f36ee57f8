"""Which libraries are installed, without importing them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    *("numpy", "scipy", "scikit-image", "opencv-python-headless", "onnxruntime"),
    *("pydantic", "PyYAML", "typer", "rich"),
)
"""What is installed without any extra."""
EXTRAS = {
    "trial": ("pandas", "statsmodels", "matplotlib", "Jinja2", "pyreadstat"),
    "cluster": ("distributed", "fsspec"),
    "gpu": ("torch", "torchvision", "safetensors"),
    "train": ("torch", "torchvision", "albumentations", "onnx", "onnxscript", "safetensors", "matplotlib"),
}
"""What an extra brings."""


def library_versions() -> dict[str, str]:
    """Give the version of each library that can take part in a score and is there."""
    return {name: found for name in (*LIBRARIES, "torch") if (found := installed_version(name)) is not None}


def missing_from_extras() -> dict[str, list[str]]:
    """List, for each extra, the packages of it that are not installed."""
    return {extra: [p for p in packages if installed_version(p) is None] for extra, packages in EXTRAS.items()}


def installed_version(name: str) -> str | None:
    """Give the installed version of a package, or None."""
    if name == "onnxruntime" and _version(name) is None:
        return _version("onnxruntime-gpu")
    return _version(name)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
