"""What a worker does: one photograph from its bytes to its rows and its overlay."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import cv2

from hairscan.batch.manifest_row import is_url
from hairscan.batch.run_folder import Failure
from hairscan.batch.sources import read_place
from hairscan.endpoints.result import PhotoResult, ResultFile
from hairscan.errors import ClusterError, HairscanError
from hairscan.photo import photo_of_bytes, resolve_scale
from hairscan.photo.codec import encode_png
from hairscan.photo.scale import checked_scale
from hairscan.score import score_read_photo
from hairscan.segment import Segmenter, find_model, load_model
from hairscan.segment.model import read_spec
from hairscan.types import Photo, RgbImage, Scale
from hairscan.version import __version__

DrawOverlay = Callable[[Photo, PhotoResult], RgbImage]


@dataclass(frozen=True, slots=True)
class Settings:
    """How every photograph of a run is measured.

    Attributes
    ----------
    um_per_px, um_per_px_sd : float or None
        Scale of the photographs whose row in the manifest has none; the sd is that of the manifest's scales too.
    area : str or None
        Counting area, as `hairscan.endpoints.area.place_area` reads it.
    model : str
        Name or folder of the network.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    um_per_px: float | None = None
    um_per_px_sd: float | None = None
    area: str | None = None
    model: str = "default"
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class Job:
    """One photograph to be measured, unless its key is the known one.

    Attributes
    ----------
    image, place : str
        Name in the tables; absolute path or URL.
    um_per_px : float or None
        Scale in the manifest.
    overlay_name : str
        File name of its overlay.
    known_key : str or None
        Key of the result that is there already.
    """

    image: str
    place: str
    um_per_px: float | None
    overlay_name: str
    known_key: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A photograph that was measured; `overlay` is the PNG file."""

    key: str
    result: ResultFile
    overlay_name: str
    overlay: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A photograph whose result is there already, and would be the same."""

    image: str


Outcome = Measured | Kept | Failure


@dataclass(frozen=True, slots=True)
class Work:
    """The work on one photograph, as it is sent to a worker.

    Attributes
    ----------
    instrument : str
        What `instrument` must give on the worker too.
    threads : int
        Threads of the network.
    draw : callable
        Draws the overlay.
    """

    settings: Settings
    instrument: str
    threads: int
    draw: DrawOverlay

    def __call__(self, job: Job) -> Outcome:
        """Measure one photograph; whatever goes wrong with it is a Failure.

        Raises
        ------
        HairscanError
            When this worker can measure no photograph at all.
        """
        segmenter = ready_segmenter(self.settings.model, self.settings.device, self.threads, self.instrument)
        try:
            return _measure(job, self, segmenter)
        except Exception as error:
            return failure_of(job.image, error)


def instrument(model: str) -> str:
    """Give the version of the program and the hash of all that the network's folder says.

    Raises
    ------
    ModelError
        Where there is no such model.
    """
    spec = read_spec(find_model(model))
    return f"hairscan {__version__}, model {spec.name} {hashlib.sha256(spec.model_dump_json().encode()).hexdigest()}"


@lru_cache(maxsize=1)
def ready_segmenter(model: str, device: str, threads: int, expected: str) -> Segmenter:
    """Network of this worker process, loaded once."""
    # Workers share the cores among them; OpenCV would take all of them for each.
    cv2.setNumThreads(1)
    if (found := instrument(model)) != expected:
        raise ClusterError(f"a worker runs {found} and not {expected}: install the same on every machine")
    return load_model(model, device, threads=threads)


def _measure(job: Job, work: Work, segmenter: Segmenter) -> Measured | Kept:
    start = perf_counter()
    settings = work.settings
    data = read_place(job.place)
    scale = _scale_of(job, settings)
    key = _key(job, work, data, scale)
    if key == job.known_key:
        return Kept(job.image)
    photo = photo_of_bytes(data, name=job.image, scale=scale)
    read = perf_counter()
    result = score_read_photo(photo, segmenter, area=settings.area)
    scored = perf_counter()
    overlay = encode_png(work.draw(photo, result))
    seconds = {"read": read - start, **result.seconds, "overlay": perf_counter() - scored}
    return Measured(key, result.to_file().model_copy(update={"seconds": seconds}), job.overlay_name, overlay)


def _scale_of(job: Job, settings: Settings) -> Scale | None:
    """Scale from the manifest, else from the options, else from a sidecar file beside the photograph."""
    if job.um_per_px is not None:
        return checked_scale(job.um_per_px, settings.um_per_px_sd, source="manifest")
    if settings.um_per_px is not None:
        return checked_scale(settings.um_per_px, settings.um_per_px_sd, source="user")
    return None if is_url(job.place) else resolve_scale(Path(job.place))


def _key(job: Job, work: Work, data: bytes, scale: Scale | None) -> str:
    """Hash of everything that the result and its overlay depend on."""
    facts = (
        work.instrument,
        work.settings.device,
        work.settings.area,
        job.image,
        job.overlay_name,
        hashlib.sha256(data).hexdigest(),
        None if scale is None else (scale.um_per_px, scale.sd, scale.source),
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def failure_of(image: str, error: Exception) -> Failure:
    """The failure that an error is; one that no user can mend says where it came from."""
    message = _one_line(error)
    if not isinstance(error, HairscanError):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message += f" (in {Path(frame.filename).name}, line {frame.lineno}: please report this)"
    return Failure(image, type(error).__name__, message)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no message"
