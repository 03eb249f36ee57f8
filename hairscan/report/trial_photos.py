"""The flagged photographs that a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hairscan.batch.run_folder import overlay_names
from hairscan.report.embed import photo_uri

if TYPE_CHECKING:
    from hairscan.trial.analysis import TrialResult

_MOST, _LONGER_SIDE_PX = 12, 480


@dataclass(frozen=True, slots=True)
class FlaggedPhoto:
    """A photograph with what was traced on it, and why it is doubtful."""

    caption: str
    words: str
    uri: str


def flagged_photos(result: TrialResult, run: Path | None) -> list[FlaggedPhoto]:
    """The first flagged photographs that the run folder has an overlay of, at most 12; none without a run folder."""
    if run is None:
        return []
    # As the run named them: photographs that failed have names, too.
    names = overlay_names([*map(str, result.data.photos["image"]), *map(str, result.data.failures["image"])])
    shown: list[FlaggedPhoto] = []
    for row in result.tables["flagged_photos"].to_dict("records"):
        uri = _thumbnail(run / "overlays" / names[row["image"]])
        if uri is not None:
            caption = f"{row['image']}: subject {row['subject']}, visit {row['visit']}"
            shown.append(FlaggedPhoto(caption, row["words"], uri))
        if len(shown) == _MOST:
            break
    return shown


def _thumbnail(path: Path) -> str | None:
    """The picture, its longer side at most 480 px; None where there is none."""
    if not path.is_file():
        return None
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    zoom = min(1.0, _LONGER_SIDE_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return photo_uri(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8))
