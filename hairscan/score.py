"""One photograph from file to endpoints: the five calls of the walk."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from hairscan.endpoints.area import place_area
from hairscan.endpoints.result import PhotoResult, RunInfo, photo_result
from hairscan.measure import measure_hairs
from hairscan.photo import read_photo
from hairscan.segment import Segmenter, load_model, segment_photo
from hairscan.trace import trace_hairs
from hairscan.types import HairMaps, Photo, RgbImage
from hairscan.version import __version__


def score_photo(
    photo: str | Path | RgbImage,
    *,
    um_per_px: float | None = None,
    um_per_px_sd: float | None = None,
    area: str | None = None,
    model: str | Path = "default",
    device: str = "auto",
) -> PhotoResult:
    """Count the hairs of one photograph and measure their density and thickness.

    Parameters
    ----------
    photo : path, or uint8 array of shape (H, W, 3)
        Close-up of a scalp; an array is RGB.
    um_per_px : float, optional
        Micrometres of scalp per pixel. Without it, and without a sidecar, the result is in counts and pixels.
    um_per_px_sd : float, optional
        Its standard deviation.
    area : str, optional
        Counting area, as `hairscan.endpoints.area.place_area` reads it; the whole picture by default.
    model : str or path
        Name or folder of the network.
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    HairscanError
        When nothing can be measured; the message says what to do.
    """
    start = perf_counter()
    segmenter = load_model(model, device)
    loaded = perf_counter()
    read = read_photo(photo, um_per_px=um_per_px, um_per_px_sd=um_per_px_sd)
    seconds = {"load_model": loaded - start, "read": perf_counter() - loaded}
    result = score_read_photo(read, segmenter, area=area)
    return replace(result, seconds={**seconds, **result.seconds})


def score_read_photo(photo: Photo, segmenter: Segmenter, *, area: str | None = None) -> PhotoResult:
    """Score a photograph that was read, with a network that was loaded: for many photographs, or to draw the overlay.

    Raises
    ------
    HairscanError
        When nothing can be measured; the message says what to do.
    """
    return score_and_see(photo, segmenter, area=area)[0]


def score_and_see(photo: Photo, segmenter: Segmenter, *, area: str | None = None) -> tuple[PhotoResult, HairMaps]:
    """Score a photograph that was read, and keep what the network saw: to compare it with another visit.

    Raises
    ------
    HairscanError
        When nothing can be measured; the message says what to do.
    """
    counting_area = place_area(area, photo)
    times = [perf_counter()]
    maps = segment_photo(photo, segmenter)
    times.append(perf_counter())
    traced = trace_hairs(maps, photo)
    times.append(perf_counter())
    hairs = measure_hairs(photo, traced, maps)
    times.append(perf_counter())
    run = RunInfo(
        hairscan_version=__version__,
        model_name=segmenter.name,
        model_sha256=segmenter.sha256,
        device=maps.device,
    )
    result = photo_result(photo, hairs, counting_area, run)
    times.append(perf_counter())
    stages = ("segment", "trace", "measure", "endpoints")
    spent = (end - begin for begin, end in pairwise(times))
    return replace(result, seconds=dict(zip(stages, spent, strict=True))), maps
