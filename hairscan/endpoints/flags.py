"""What makes a photograph's numbers doubtful, as flags that travel with its row."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from hairscan.endpoints.contrast import hair_contrasts
from hairscan.endpoints.crossings import count_crossings
from hairscan.endpoints.rows import PhotoRow
from hairscan.types import Hair, Photo

FLAG_WORDS = {
    "scale-missing": "no scale: magnification guessed, counts and pixels only",
    "no-hair": "no hair was found",
    "few-hairs": "fewer than 20 hairs: shares and means are uncertain",
    "area-small": "less than 0.05 cm2 was judged: the density is uncertain",
    "out-of-focus": "out of focus: thin hairs may be missing",
    "focus-unknown": "no edge tells the focus: far out of focus, or not a scalp",
    "glare": "more than 5 % of the picture is glare",
    "ink": "more than 1 % of the picture is ink",
    "blur": "more than 5 % of the picture is blurred",
    "small-field": "less than half of the picture can be judged",
    "low-contrast": "many hairs differ little from the skin: light hairs may be missing",
    "many-unresolved": "more than a fifth of the hairs have no width, or too thin a one for the blur",
    "many-crossings": "many hairs lie across others: roots are hidden, and the count is uncertain",
    "width-missing": "counted hairs without a width, taken to be like the measured ones: {}",
    "coarse-scale": "coarser than 5 um per px: thin hairs cannot be told apart at 30 or 40 um",
    "implausible-density": "more than 500 hairs per cm2: check the scale",
    "implausible-width": "mean width outside 10 to 200 um: check the scale",
}
"""What each flag of a photograph says to a person; ``{}`` is the number after the flag's colon."""

_FEW_HAIRS = 20
_SMALL_AREA_CM2 = 0.05
_MOST_DENSE_PER_CM2 = 500.0
_WIDTHS_UM = (10.0, 200.0)
_MANY_FRACTION = 0.2
_CROSSINGS_PER_HAIR = 0.4
"""Clipped hair has 0.15 at most, on photographs and phantoms; of phantoms of long hair most have more."""
_COARSE_UM_PER_PX = 5.0
_PALE_CONTRAST = 20.0
"""Grey levels; fewer than a tenth of the dark hairs of the FDU phototrichograms differ so little from their skin."""


def photo_flags(photo: Photo, hairs: Sequence[Hair], row: PhotoRow) -> tuple[str, ...]:
    """All flags of a photograph: its own, then those of its hairs, scale, area and endpoints, each once.

    Parameters
    ----------
    hairs
        Every traced hair; all but the crossings are told of those that are counted.
    row
        The endpoints, flags not yet set.
    """
    counted = [hair for hair in hairs if hair.counted]
    n_unmeasured = sum(hair.width_px != hair.width_px for hair in counted)
    # an unresolved width may hold only roughly, and still enters the mean and the classes
    n_unresolved = sum(hair.width_px != hair.width_px or "unresolved" in hair.flags for hair in counted)
    contrasts = hair_contrasts(photo.rgb, counted)
    n_pale = int((np.abs(contrasts) < _PALE_CONTRAST).sum())
    tests = {
        "focus-unknown": not isfinite(photo.psf_sigma_px),
        "scale-missing": row.um_per_px is None,
        "coarse-scale": (row.um_per_px or 0) > _COARSE_UM_PER_PX,
        "no-hair": not counted,
        "few-hairs": 0 < len(counted) < _FEW_HAIRS,
        "area-small": row.area_cm2 is not None and row.area_cm2 < _SMALL_AREA_CM2,
        "low-contrast": n_pale > _MANY_FRACTION * np.isfinite(contrasts).sum(),
        "many-unresolved": n_unresolved > _MANY_FRACTION * len(counted),
        "many-crossings": count_crossings(hairs) > _CROSSINGS_PER_HAIR * len(hairs),
        f"width-missing:{n_unmeasured}": n_unmeasured > 0,
        "implausible-density": (row.density_per_cm2 or 0) > _MOST_DENSE_PER_CM2,
        "implausible-width": row.mean_width_um is not None and not _WIDTHS_UM[0] <= row.mean_width_um <= _WIDTHS_UM[1],
    }
    return tuple(dict.fromkeys([*photo.flags, *(flag for flag, holds in tests.items() if holds)]))


def flag_in_words(flag: str) -> str:
    """Say the flag as a sentence for a person; the flag itself where there are no words for it."""
    name, _, number = flag.partition(":")
    return FLAG_WORDS[name].format(number) if name in FLAG_WORDS else flag
