"""What a worker does: one site, its photographs scored again and compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from hairscan.batch.run_folder import Failure
from hairscan.batch.sources import read_place
from hairscan.batch.work import Settings, failure_of, ready_segmenter
from hairscan.endpoints.area import CountingArea
from hairscan.errors import PhotoError, VisitError
from hairscan.photo import photo_of_bytes
from hairscan.score import score_and_see
from hairscan.segment import Segmenter
from hairscan.types import Ignored, Photo
from hairscan.visits.run_sites import RunPhoto, Site
from hairscan.visits.series import SiteChanges, follow_site
from hairscan.visits.visit import Visit


@dataclass(frozen=True, slots=True)
class SiteWork:
    """The work on one site, as it is sent to a worker.

    Attributes
    ----------
    instrument : str
        What `hairscan.batch.work.instrument` must give on the worker too.
    threads : int
        Threads of the network.
    """

    settings: Settings
    baseline: str
    instrument: str
    threads: int

    def __call__(self, site: Site) -> SiteChanges | Failure:
        """Follow one site; a mistake in the program is a Failure of the site.

        Raises
        ------
        HairscanError
            When this worker can score no photograph at all.
        """
        segmenter = ready_segmenter(self.settings.model, self.settings.device, self.threads, self.instrument)
        try:
            return follow_site(site, self.baseline, lambda photo: score_again(photo, segmenter, self.settings.area))
        except Exception as error:
            return failure_of(site.image, error)


def score_again(photo: RunPhoto, segmenter: Segmenter, area: str | None) -> Visit:
    """A photograph of a run scored once more; what lies outside of the counting area is not judged.

    Raises
    ------
    HairscanError
        Where the run could not measure it, it is gone or another one now, or the run counted other hairs in it.
    """
    if photo.failure:
        raise PhotoError(photo.failure)
    data = read_place(photo.place)
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise VisitError(f"{photo.image} is not the photograph that was measured: bring it back, or run hairscan batch")
    read = photo_of_bytes(data, name=photo.image, scale=photo.scale)
    result, maps = score_and_see(read, segmenter, area=area)
    if result.photo.hair_count != photo.hair_count:
        raise VisitError(
            f"{photo.image} has {result.photo.hair_count} hairs when it is scored again, and {photo.hair_count} in the "
            "run: hairscan or the device is another one now; run hairscan batch again"
        )
    return Visit(_within(result.area, read), maps, result)


def _within(area: CountingArea, photo: Photo) -> Photo:
    """The photograph with nothing to judge outside of its counting area."""
    height, width = photo.ignored.shape
    inside = area.contains(np.arange(width, dtype=np.float64)[None, :], np.arange(height, dtype=np.float64)[:, None])
    return replace(photo, ignored=np.where(inside, photo.ignored, np.uint8(Ignored.LENS)))
