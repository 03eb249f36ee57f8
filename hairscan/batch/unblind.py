"""The results of blinded copies get their photographs' own names and manifest back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from hairscan.batch.blind_key import BlindCopy, BlindKey, read_key
from hairscan.batch.out_folder import COPY, check_out
from hairscan.batch.run_folder import MANIFEST, TABLES, overlay_names
from hairscan.endpoints.rows import csv_bytes, read_rows
from hairscan.errors import BlindError, OutputError
from hairscan.files import write_files, writing_to

DUPLICATE = "duplicate"
_Table = tuple[list[str], list[dict[str, str]]]


def unblind_run(run: Path, key_path: Path, out: Path) -> BlindKey:
    """Write a run folder like that of the copies, under the photographs' own names and with their manifest.

    Parameters
    ----------
    run : Path
        Run folder of all copies.
    out : Path
        Another folder. Its tables have a column ``copy``, the file name of the copy, which is the only name by which
        the two copies of one photograph differ. ``images.csv`` has a column ``duplicate``: 1 for a second copy.

    Raises
    ------
    BlindError
        The key is not that of these copies, a copy was changed before it was measured, or some were not measured.
    OutputError
        The folder cannot be written, is the run itself, or holds what is of no unblinded run.
    """
    if out.resolve() == run.resolve():
        raise OutputError(f"{out} holds the blinded run: name another folder for the unblinded one")
    check_out(out, "unblind", (MANIFEST, *TABLES))
    key = read_key(key_path)
    tables = {name: _read_table(run / f"{name}.csv") for name in ("images", "hairs", "failures", "timings")}
    copies = {copy.copy_name: copy for copy in key.copies}
    _check_fit(tables["images"][1], tables["failures"][1], copies, run, key_path)
    files: dict[str, bytes | Path] = {f"{name}.csv": _named(tables[name], copies) for name in ("hairs", "timings")}
    files["images.csv"] = _images(tables["images"], copies, key)
    files["failures.csv"] = _failures(tables["failures"], copies, key)
    files[MANIFEST] = _manifest(key)
    with writing_to(out):
        files["run.json"] = (run / "run.json").read_bytes()
        files |= _overlays(run, key)
        write_files({out / name: content for name, content in files.items()})
    return key


def _read_table(path: Path) -> _Table:
    try:
        return read_rows(path, ("image",))
    except OSError as error:
        raise BlindError(f"{path.parent} is no run folder: {path.name} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BlindError(f"{path} {error}") from error


def _check_fit(
    images: Iterable[Mapping[str, str]],
    failures: Iterable[Mapping[str, str]],
    copies: Mapping[str, BlindCopy],
    run: Path,
    key_path: Path,
) -> None:
    sha256_of = {row["image"]: row["sha256"] for row in images}
    seen = {*sha256_of, *(row["image"] for row in failures)}
    strange = sorted(seen - copies.keys())
    if strange:
        raise BlindError(f"{key_path} is not the key of {run}: it does not know {strange[0]} ({len(strange)} such)")
    changed = sorted(name for name, sha256 in sha256_of.items() if sha256 != copies[name].sha256)
    if changed:
        raise BlindError(f"{changed[0]} is not the copy that was made ({len(changed)} such): blind and measure again")
    missing = sorted(copies.keys() - seen)
    if missing:
        raise BlindError(f"{run} lacks {len(missing)} of {len(copies)} copies ({missing[0]}): measure all of them")


def _images(table: _Table, copies: Mapping[str, BlindCopy], key: BlindKey) -> bytes:
    """Rows in the order of the manifest, its columns in front."""
    columns, rows = table
    order = {name: rank for rank, name in enumerate(copies)}
    header = list(dict.fromkeys([*key.columns, COPY, DUPLICATE, *columns]))
    lines = []
    for row in sorted(rows, key=lambda row: order[row["image"]]):
        copy = copies[row["image"]]
        given = {name: cell for name, cell in copy.cells.items() if cell}
        cells = {**row, **given, COPY: copy.copy_name, DUPLICATE: str(int(copy.duplicate))}
        lines.append([cells.get(name, "") for name in header])
    return csv_bytes(header, *lines)


def _named(table: _Table, copies: Mapping[str, BlindCopy]) -> bytes:
    """Rows in the order of the manifest, with the photograph's own name and that of the copy."""
    columns, rows = table
    order = {name: rank for rank, name in enumerate(copies)}
    rest = [name for name in columns if name != "image"]
    lines = [
        [copies[row["image"]].cells["image"], row["image"], *(row[name] for name in rest)]
        for row in sorted(rows, key=lambda row: order[row["image"]])
    ]
    return csv_bytes(["image", COPY, *rest], *lines)


def _failures(table: _Table, copies: Mapping[str, BlindCopy], key: BlindKey) -> bytes:
    failed = [(copies[row["image"]].cells["image"], row["image"], row["error"], row["message"]) for row in table[1]]
    unread = [(photo.cells["image"], "", photo.error, photo.message) for photo in key.uncopied]
    return csv_bytes(["image", COPY, "error", "message"], *failed, *unread)


def _manifest(key: BlindKey) -> bytes:
    """The manifest that was blinded, its photographs in the order of the key, duplicates left out."""
    rows = [*(copy.cells for copy in key.copies if not copy.duplicate), *(photo.cells for photo in key.uncopied)]
    return csv_bytes(key.columns, *([cells[name] for name in key.columns] for cells in rows))


def _overlays(run: Path, key: BlindKey) -> dict[str, Path]:
    """Overlays by the names that they would have unblinded; that of a duplicate would be the same picture."""
    first = {copy.cells["image"]: copy.copy_name for copy in key.copies if not copy.duplicate}
    blinded = overlay_names([copy.copy_name for copy in key.copies])
    own = overlay_names([*first, *(photo.cells["image"] for photo in key.uncopied)])
    paths = {own[image]: run / "overlays" / blinded[name] for image, name in first.items()}
    return {f"overlays/{name}": path for name, path in paths.items() if path.is_file()}
