"""How large a pixel is: what the user said, or a sidecar file beside the photo."""

from __future__ import annotations

import json
import math
import tomllib
from difflib import get_close_matches
from pathlib import Path

from hairscan.errors import ScaleError
from hairscan.types import Scale

MIN_UM_PER_PX = 0.2
MAX_UM_PER_PX = 50.0
_KEYS = ("um_per_px", "um_per_px_sd")
_ALIKE = 0.75
"""From this likeness on a key is one of ours misspelt: ``mm_per_px`` and ``um_per_pixel`` are, ``image_px`` is not."""
ASSUMED_RELATIVE_SD = 0.01
"""Calibration uncertainty assumed where none is given: 1 %, that is 2 % of a density."""


def resolve_scale(
    path: Path | None, *, um_per_px: float | None = None, um_per_px_sd: float | None = None
) -> Scale | None:
    """Scale given by the user, else by a sidecar file beside the photo, else None.

    A sidecar is ``PHOTO.json``, ``NAME.json``, ``PHOTO.toml`` or ``NAME.toml`` (for ``a.jpg``: ``a.jpg.json``,
    ``a.json``, …) with ``um_per_px`` and, where known, ``um_per_px_sd``. Other programs write files of such names, too:
    whatever else it says is passed over, but for a key that is one of the two misspelt.

    Parameters
    ----------
    path : Path or None
        The photo; None for an array.
    um_per_px, um_per_px_sd : float or None
        Given by the user; without an sd, 1 % of the scale is assumed.

    Raises
    ------
    ScaleError
        A scale that is not a number, not positive, or outside 0.2 to 50 um/px; a sidecar that cannot be read, misspells
        a key, says one twice, or tells an sd without a scale.
    """
    if um_per_px is not None:
        return checked_scale(um_per_px, um_per_px_sd, source="user")
    if um_per_px_sd is not None:
        raise ScaleError("A scale uncertainty was given without a scale; give um_per_px as well.")
    return None if path is None else _from_sidecar(path)


def checked_scale(um_per_px: float, sd_um_per_px: float | None, *, source: str) -> Scale:
    """Scale with its standard deviation, after both were found to be possible.

    Raises
    ------
    ScaleError
        Not finite, not positive, outside 0.2 to 50 um/px, or an sd that is negative or above half of the scale.
    """
    expected = f"a trichoscope gives 1 to 20, and {MIN_UM_PER_PX:g} to {MAX_UM_PER_PX:g} um/px is accepted"
    if not math.isfinite(um_per_px) or not MIN_UM_PER_PX <= um_per_px <= MAX_UM_PER_PX:
        raise ScaleError(f"{um_per_px:g} um/px ({source}) is no possible scale: {expected}.")
    sd = ASSUMED_RELATIVE_SD * um_per_px if sd_um_per_px is None else sd_um_per_px
    if not math.isfinite(sd) or not 0 <= sd <= um_per_px / 2:
        raise ScaleError(f"{sd:g} um/px ({source}) is no possible scale uncertainty: give 0 to half of the scale.")
    return Scale(um_per_px=float(um_per_px), sd=float(sd), source=source)


def _from_sidecar(path: Path) -> Scale | None:
    if not path.name:  # the folder itself: whoever reads the photograph says so
        return None
    for suffix in (".json", ".toml"):
        for sidecar in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if _is_file(sidecar) and (scale := _read_sidecar(sidecar)) is not None:
                return scale
    return None


def _is_file(path: Path) -> bool:
    """Tell whether a file is there; a name too long for the system is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read_sidecar(sidecar: Path) -> Scale | None:
    try:
        text = sidecar.read_text(encoding="utf-8-sig")
        is_json = sidecar.suffix == ".json"
        values = json.loads(text, object_pairs_hook=_each_once) if is_json else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ScaleError(f"{sidecar} cannot be read: {error}. Repair it, remove it, or give um_per_px.") from error
    if not isinstance(values, dict):
        return None
    for key in values:
        if key not in _KEYS and (meant := get_close_matches(key.casefold(), _KEYS, 1, _ALIKE)):
            raise ScaleError(f"{sidecar}: {key!r} is no key of a scale: write {meant[0]}, or remove it.")
    if "um_per_px" not in values:
        if values.get("um_per_px_sd") is not None:
            raise ScaleError(f"{sidecar} tells um_per_px_sd and no scale: write um_per_px as well.")
        return None
    return checked_scale(
        _number(values, "um_per_px", sidecar),
        _number(values, "um_per_px_sd", sidecar) if values.get("um_per_px_sd") is not None else None,
        source="sidecar",
    )


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Object of a JSON file in which no key of a scale stands twice: nobody can tell which one is meant."""
    keys = [key for key, _ in pairs]
    for key in _KEYS:
        if keys.count(key) > 1:
            raise ValueError(f"{key} is there {keys.count(key)} times")
    return dict(pairs)


def _number(values: dict[str, object], key: str, sidecar: Path) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScaleError(f"{sidecar}: {key} must be a number, not {value!r}.")
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf
