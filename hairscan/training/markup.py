"""Elements of an HTML page."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement


def put(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """A new element at the end of its parent."""
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
