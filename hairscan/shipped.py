"""Where what comes with the package lies: inside it in a wheel, beside it in a checkout."""

from pathlib import Path


def shipped(name: str) -> Path:
    """Folder of this name that came with the package."""
    package = Path(__file__).resolve().parent
    inside = package / f"_{name}"
    return inside if inside.is_dir() else package.parent / name
