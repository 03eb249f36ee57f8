"""The result of scoring one photograph, and its machine-readable form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ConfigDict

from hairscan.endpoints.area import CountingArea, JudgedPixels, judge_pixels
from hairscan.endpoints.count import count_hairs
from hairscan.endpoints.rows import HairRow, PhotoRow
from hairscan.endpoints.summary import hair_row, photo_row
from hairscan.endpoints.units import group_units
from hairscan.errors import AreaError
from hairscan.files import Record
from hairscan.types import Hair, Photo


class RunInfo(Record):
    """What measured the photograph: program, network and the device that really ran."""

    hairscan_version: str
    model_name: str
    model_sha256: str
    device: str


class AreaInfo(Record):
    """The counting area and what of it was judged; the fractions add up to 1."""

    kind: str
    centre_x_px: float
    centre_y_px: float
    width_px: float
    height_px: float
    judged_fraction: float
    lens_fraction: float
    glare_fraction: float
    graphics_fraction: float
    ink_fraction: float
    blur_fraction: float


class ResultFile(Record):
    """One result as JSON: the names of images.csv and hairs.csv, and how they came about."""

    model_config = ConfigDict(title="hairscan photo result")

    run: RunInfo
    area: AreaInfo
    photo: PhotoRow
    hairs: tuple[HairRow, ...]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """One scored photograph.

    Attributes
    ----------
    photo
        The endpoints: the row of images.csv.
    hairs
        The rows of hairs.csv, one per traced hair.
    traced
        The same hairs with their centre-lines, px.
    judged
        Pixels of the counting area, judged and excluded by reason.
    seconds
        Wall time of each stage, s.
    """

    photo: PhotoRow
    hairs: tuple[HairRow, ...]
    traced: tuple[Hair, ...]
    area: CountingArea
    judged: JudgedPixels
    run: RunInfo
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """JSON text of the result, without the centre-lines; `json_schema` describes it."""
        return self.to_file().model_dump_json(indent=2)

    def to_file(self) -> ResultFile:
        """The result without the centre-lines, as it is written to files."""
        area = AreaInfo(
            kind=self.area.kind,
            centre_x_px=self.area.centre_x_px,
            centre_y_px=self.area.centre_y_px,
            width_px=self.area.width_px,
            height_px=self.area.height_px,
            **{f"{reason}_fraction": n / self.judged.total for reason, n in self.judged.by_reason().items()},
        )
        return ResultFile(run=self.run, area=area, photo=self.photo, hairs=self.hairs, seconds=dict(self.seconds))


def json_schema() -> str:
    """JSON schema of `PhotoResult.to_json`, as text with a final newline."""
    return json.dumps(ResultFile.model_json_schema(mode="serialization"), indent=2) + "\n"


def photo_result(photo: Photo, hairs: Sequence[Hair], area: CountingArea, run: RunInfo) -> PhotoResult:
    """Endpoints of a photograph from its measured hairs.

    Raises
    ------
    AreaError
        When no pixel of the area can be judged.
    """
    judged = judge_pixels(area, photo.ignored)
    if not judged.judged:
        why = judged.left_out()
        raise AreaError(f"nothing in the counting area of {photo.name} can be judged ({why}): move or retake it")
    um_per_px = photo.scale.um_per_px if photo.scale else None
    grouped, units = group_units(count_hairs(hairs, area, photo.ignored), um_per_px)
    return PhotoResult(
        photo=photo_row(photo, grouped, units, area, judged.judged),
        hairs=tuple(hair_row(hair, photo) for hair in grouped),
        traced=tuple(grouped),
        area=area,
        judged=judged,
        run=run,
    )
