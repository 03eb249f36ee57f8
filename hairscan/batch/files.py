"""Files that are all written or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write every file, or none: each to a neighbour first; once all are whole they are renamed onto their paths.

    Folders that are missing are made, and taken away again where nothing could be written to them.

    Raises
    ------
    OSError
        Where a file cannot be written, or a folder has its name.
    """
    missing = sorted({folder for path in files for folder in path.parents if not folder.exists()}, reverse=True)
    neighbours = {path: path.with_name(f".{os.getpid()}-{number}") for number, path in enumerate(files)}
    try:
        for path, content in files.items():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder there")
            path.parent.mkdir(parents=True, exist_ok=True)
            neighbours[path].write_bytes(content)
        for path, neighbour in neighbours.items():
            neighbour.replace(path)
    except BaseException:
        for neighbour in neighbours.values():
            with suppress(OSError):
                neighbour.unlink()
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise
