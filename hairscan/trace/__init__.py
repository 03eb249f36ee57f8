"""HairMaps become Hairs: centre-lines, crossings, roots."""

from hairscan.trace.hairs import trace_hairs

__all__ = ["trace_hairs"]
