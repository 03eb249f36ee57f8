"""The key of blinded photographs: which copy is which photograph."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from hairscan.errors import BlindError, OutputError
from hairscan.files import Record


class BlindCopy(Record):
    """One copy of one photograph.

    Attributes
    ----------
    copy_name : str
        File name of the copy.
    sha256, original_sha256 : str
        Of the bytes of the copy, and of the photograph it was made from.
    duplicate : bool
        True for the second copy of a photograph.
    cells : dict
        Row of the manifest, text by column.
    """

    copy_name: str
    sha256: str
    original_sha256: str
    duplicate: bool
    cells: dict[str, str]


class Uncopied(Record):
    """A photograph that cannot be read and has no copy: its row of the manifest, and the error."""

    cells: dict[str, str]
    error: str
    message: str


class BlindKey(Record):
    """What `hairscan blind` knows and nobody who measures may know.

    Attributes
    ----------
    columns : tuple of str
        Of the manifest.
    copies : tuple of BlindCopy
        In the order of the manifest, a duplicate after its photograph.
    """

    hairscan_version: str
    columns: tuple[str, ...]
    copies: tuple[BlindCopy, ...]
    uncopied: tuple[Uncopied, ...]


def write_key(key: BlindKey, path: Path) -> None:
    """Write a key that only its owner can read; one that is there already is never replaced.

    Raises
    ------
    OutputError
        The file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise OutputError(f"{path} exists, and a key is never replaced: name another file") from error
    except OSError as error:
        raise OutputError(f"cannot write the key {path}: {error.strerror}; name another file") from error


def read_key(path: Path) -> BlindKey:
    """Key of blinded photographs.

    Raises
    ------
    BlindError
        The file is missing, or is no key.
    """
    try:
        return BlindKey.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BlindError(f"cannot read the key {path}: {error.strerror}") from error
    except ValidationError as error:
        raise BlindError(f"{path} is no key of hairscan blind, or was changed since") from error
