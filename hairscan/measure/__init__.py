"""Each Hair gets its width, with standard error, from the photograph's own pixels."""

from hairscan.measure.widths import measure_hairs

__all__ = ["measure_hairs"]
