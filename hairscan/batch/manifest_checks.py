"""What can be wrong with a manifest, each problem as its line number and one sentence for a person."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from hairscan.batch.manifest_row import ManifestRow, is_url
from hairscan.batch.sources import check_can_read
from hairscan.errors import HairscanError
from hairscan.numbers import read_number
from hairscan.photo.scale import checked_scale

Problem = tuple[int, str]
"""Line of the file, and the sentence."""
_FIRST_VISIT = "baseline"


def header_problems(columns: Sequence[str], known: Collection[str], text: str) -> list[Problem]:
    """Columns that are missing, unknown or there twice; or what separates them where it is no comma."""
    first = text.lstrip().splitlines()[0]
    for character, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(columns) == 1 and character in first:
            return [(1, f"line 1: its columns are separated by {name}: save it as comma-separated CSV")]
    problems = [] if "image" in columns else ["there is no column 'image', which names the photographs"]
    problems += [
        f"unknown column {name!r}: a manifest has {', '.join(known)}"
        for name in dict.fromkeys(columns)
        if name not in known
    ]
    problems += [f"column {name!r} is there {n} times" for name, n in Counter(columns).items() if n > 1]
    return [(1, f"line 1: {problem}") for problem in problems]


def image_problems(rows: Sequence[ManifestRow]) -> Iterator[Problem]:
    """Rows and images that occur twice, images that are not there, URLs that cannot be read."""
    by_cells: dict[tuple[str, ...], int] = {}
    by_place: dict[str, int] = {}
    storages: set[str] = set()
    for row in rows:
        same_row = by_cells.setdefault(tuple(row.cells.values()), row.line)
        same_image = by_place.setdefault(_one_place(row.place), row.line)
        if not row.image:
            yield row.line, f"line {row.line}: no image is named"
        elif same_row != row.line:
            yield row.line, f"line {row.line} is the same as line {same_row}"
        elif same_image != row.line:
            yield row.line, f"line {row.line}: {row.image} is in line {same_image} already"
        elif is_url(row.place):
            # What a kind of storage lacks is said once.
            storage = row.place.partition("://")[0]
            if storage not in storages and (problem := _url_problem(row.place)) is not None:
                yield row.line, f"line {row.line}: {problem}"
            storages.add(storage)
        elif (problem := _path_problem(row.image, Path(row.place))) is not None:
            yield row.line, f"line {row.line}: {problem}"


def _one_place(place: str) -> str:
    """A place, the same for every way to write its path."""
    return place if is_url(place) else os.path.normcase(os.path.realpath(place))


def _url_problem(url: str) -> str | None:
    try:
        check_can_read(url)
    except HairscanError as error:
        return str(error)
    return None


def _path_problem(image: str, path: Path) -> str | None:
    try:
        if path.is_file():
            return None
        return f"{image} is a folder" if path.is_dir() else f"{image} is missing; it was looked for in {path.parent}"
    except (OSError, ValueError) as error:
        return f"{image} cannot be a file: {error}"


def cell_problems(rows: Sequence[ManifestRow]) -> Iterator[Problem]:
    """Numbers and dates that cannot be."""
    checks = {"um_per_px": _scale_problem, "days_since_clipping": _days_problem, "date": _date_problem}
    for row in rows:
        for name, check in checks.items():
            if (text := row.cells.get(name)) and (problem := check(text)) is not None:
                yield row.line, f"line {row.line}: {name} {text!r} {problem}"


def _scale_problem(text: str) -> str | None:
    if (number := read_number(text)) is None:
        return "is not a number"
    try:
        checked_scale(number, None, source="manifest")
    except HairscanError as error:
        return f"cannot be: {error}"
    return None


def _days_problem(text: str) -> str | None:
    number = read_number(text)
    return None if number is not None and 0 <= number < float("inf") else "is not a number of days from 0"


def _date_problem(text: str) -> str | None:
    return "is not a date as 2026-03-31" if _date(text) is None else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def arm_problems(rows: Sequence[ManifestRow]) -> Iterator[Problem]:
    """Places of a subject that are in two arms; its sides may differ, as in a split-scalp trial."""
    first: dict[tuple[str, str, str], tuple[str, int]] = {}
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        subject, arm, side, site = (row.cells.get(name, "") for name in ("subject", "arm", "side", "site"))
        if subject and arm:
            first_arm, line = first.setdefault((subject, side, site), (arm, row.line))
            if arm != first_arm and (subject, side, site, arm) not in seen:
                seen.add((subject, side, site, arm))
                where = " ".join(part for part in (subject, side, site) if part)
                yield (
                    row.line,
                    f"line {row.line}: subject {where} is in arm {arm!r} and, in line {line}, in {first_arm!r}",
                )


def visit_problems(rows: Sequence[ManifestRow]) -> Iterator[Problem]:
    """Dates of a subject that contradict the order of its visits.

    Visits are ordered by the number in their names, where the names are otherwise alike, and come after ``baseline``.
    """
    visits: dict[tuple[str, str], dict[float, list[tuple[date, ManifestRow]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        subject, visit, day = (row.cells.get(name, "") for name in ("subject", "visit", "date"))
        order, when = _order_of(visit), _date(day)
        if subject and order is not None and when is not None:
            visits[subject, order[0]][order[1]].append((when, row))
    for subject, kind in visits:
        at = {**visits.get((subject, _FIRST_VISIT), {}), **visits[subject, kind]}
        for earlier, later in pairwise(at[order] for order in sorted(at)):
            last, before = max(earlier, key=lambda dated: dated[0])
            soonest, after = min(later, key=lambda dated: dated[0])
            if soonest < last:
                yield (
                    after.line,
                    f"line {after.line}: subject {subject}, visit {after.cells['visit']} on {soonest} is before visit "
                    f"{before.cells['visit']} on {last} (line {before.line})",
                )


def _order_of(visit: str) -> tuple[str, float] | None:
    """Kind and rank of a visit: its name without the number, and the number; None where it has no place in an order."""
    if visit.lower() == _FIRST_VISIT:
        return _FIRST_VISIT, float("-inf")
    numbers = re.findall(r"\d+(?:\.\d+)?", visit)
    return (re.sub(r"\d+(?:\.\d+)?", "#", visit.lower()), float(numbers[0])) if len(numbers) == 1 else None


def scale_problems(rows: Sequence[ManifestRow]) -> Iterator[Problem]:
    """Scales that differ within a device, each where it first occurs."""
    first: dict[str, tuple[str, int]] = {}
    seen: set[tuple[str, float]] = set()
    for row in rows:
        device, text = row.cells.get("device", ""), row.cells.get("um_per_px", "")
        number = read_number(text)
        if device and number is not None:
            first_text, line = first.setdefault(device, (text, row.line))
            if number != read_number(first_text) and (device, number) not in seen:
                seen.add((device, number))
                yield (
                    row.line,
                    f"line {row.line}: device {device} has {text} um/px and, in line {line}, {first_text}: "
                    "mend the scale, or name each magnification as a device of its own",
                )
