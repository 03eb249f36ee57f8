"""The bytes of a photograph, from a path or from a URL that fsspec reads."""

from __future__ import annotations

from pathlib import Path

from hairscan.batch.manifest_row import is_url
from hairscan.errors import PhotoError
from hairscan.photo.read import check_bytes, read_bytes


def read_place(place: str) -> bytes:
    """Bytes of the photograph.

    Raises
    ------
    PhotoError
        It is not there, cannot be read, or is larger than any photo.
    """
    if not is_url(place):
        return read_bytes(Path(place))
    check_can_read(place)
    import fsspec

    try:
        with fsspec.open(place, "rb") as file:
            check_bytes(file.size or 0, place)
            return bytes(file.read())
    except PhotoError:
        raise
    except Exception as error:  # each kind of storage raises its own
        raise PhotoError(f"{place} cannot be read: {type(error).__name__}: {error}.") from error


def check_can_read(url: str) -> None:
    """Make sure that what reads such a URL is installed.

    Raises
    ------
    PhotoError
        When it is not; the message says what to install.
    """
    try:
        import fsspec
    except ImportError as error:
        raise PhotoError(f"{url} needs fsspec: pip install 'hairscan[cluster]'") from error
    try:
        fsspec.get_filesystem_class(url.split("://", 1)[0])
    except (ImportError, ValueError) as error:
        raise PhotoError(f"{url} cannot be read here: {error}") from error
