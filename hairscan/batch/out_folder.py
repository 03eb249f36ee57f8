"""What lies in a folder already: no command replaces or removes there what it did not write itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from hairscan.batch.manifest import Manifest
from hairscan.batch.manifest_row import is_url
from hairscan.batch.run_folder import MANIFEST, TABLES, check_writable
from hairscan.errors import OutputError

Command = Literal["batch", "unblind", "score", "compare", "growth"]
COPY = "copy"
"""Column of images.csv by which an unblinded run is told from one that batch wrote; no manifest has it."""
_OWN_FOLDERS = ("overlays", ".parts")
"""Folders in which a run removes what is not its own."""


def check_out(folder: Path, command: Command, files: Iterable[str]) -> None:
    """Make sure that a command can write to the folder, and replaces at most an earlier result of its own.

    Parameters
    ----------
    files
        Names of all that the command writes or removes there.

    Raises
    ------
    OutputError
        When it cannot, when the folder holds the result of another command, or one of the files is of no result.
    """
    check_writable(folder)
    found = _commands_in(folder)
    for other in sorted(found - {command}):
        raise OutputError(f"{folder} holds a result of hairscan {other}: name another folder")
    for name in [] if found else files:
        if (folder / name).is_file():
            raise OutputError(f"{folder / name} is of no earlier result and would be replaced: name another folder")


def check_batch_folder(folder: Path, manifest: Manifest) -> None:
    """Make sure that a run of these photographs replaces at most an earlier run, and none of the photographs.

    Raises
    ------
    OutputError
        When it would, or the folder cannot be written.
    """
    check_photos_apart(folder, (Path(row.place) for row in manifest.rows if not is_url(row.place)))
    overlays = sorted(f"overlays/{path.name}" for path in (folder / "overlays").glob("*.png"))
    check_out(folder, "batch", (MANIFEST, *TABLES, *overlays))
    if Path(manifest.source).is_dir() and _says_more_than_names(folder / MANIFEST):
        raise OutputError(
            f"{folder / MANIFEST} says more of the photographs than their names and would be replaced: give it instead "
            "of the folder of photographs, or name another folder"
        )


def check_photos_apart(folder: Path, photos: Iterable[Path]) -> None:
    """Make sure that no photograph lies where a run in the folder replaces and removes pictures.

    Raises
    ------
    OutputError
        When one does.
    """

    @cache
    def is_own(home: Path) -> bool:
        return any(_is_same(place, folder / own) for place in (home, *home.parents) for own in _OWN_FOLDERS)

    for photo in photos:
        if any(is_own(home) for home in _homes(photo)):
            raise OutputError(f"{photo} lies where pictures of {folder} are replaced: move it, or name another folder")


def _homes(photo: Path) -> list[Path]:
    """Folders in which a photograph lies: that of the file, and that of the link to it."""
    try:
        return [photo.parent.absolute(), *([photo.resolve().parent] if photo.is_symlink() else [])]
    except (OSError, RuntimeError):  # whoever reads the photograph says what is wrong with it
        return []


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether both are one place, whatever the links and the case of their names."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _commands_in(folder: Path) -> set[Command]:
    """Commands whose results are in the folder."""
    found: set[Command] = set()
    record = _json(folder / "run.json")
    # A run that was stopped early has no tables yet.
    if (folder / ".parts").is_dir():
        found.add("batch")
    elif "hairscan_version" in record:
        is_score = "photo" in (record.get("configuration") or {})
        found.add("score" if is_score else "unblind" if COPY in _header(folder / "images.csv") else "batch")
    if "refused" in _json(folder / "comparison.json"):
        found.add("compare")
    if "refused" in _json(folder / "growth.json"):
        found.add("growth")
    return found


def _json(path: Path) -> dict[str, Any]:
    """Content of a JSON file; nothing where there is none, or another one."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _says_more_than_names(path: Path) -> bool:
    """Tell whether a manifest has more columns than the one of a folder."""
    return _header(path) not in ([""], ["image"])


def _header(path: Path) -> list[str]:
    """Columns of a CSV table; one without a name where there is none."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return [name.strip().strip('"') for name in file.readline().split(",")]
    except OSError:
        return [""]
