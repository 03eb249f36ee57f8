"""The opset of an ONNX file, read from its bytes: the base installation has no onnx."""

from __future__ import annotations

from collections.abc import Iterator

_OPSET_IMPORT, _DOMAIN, _VERSION = 8, 1, 2
"""Fields of an ONNX file, and of one entry of the first of them."""
_NUMBER, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Kinds of protobuf fields; of those of fixed length, the bytes."""


def opset_of(model: bytes) -> int | None:
    """Version of the standard operators that an ONNX file was written for; None where it names none."""
    for field, entry in _fields(model):
        if field == _OPSET_IMPORT and isinstance(entry, bytes):
            facts = dict(_fields(entry))
            version = facts.get(_VERSION)
            if facts.get(_DOMAIN, b"") in (b"", b"ai.onnx") and isinstance(version, int):
                return version
    return None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of every field of a protobuf message."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        field, kind = key >> 3, key & 7
        if kind == _NUMBER:
            value, at = _number(message, at)
            yield field, value
            continue
        length, at = _number(message, at) if kind == _BYTES else (_FIXED[kind], at)
        yield field, message[at : at + length]
        at += length


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A whole number, seven bits a byte and the lowest first, and where the next field begins."""
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 0x80:
            return value, at
