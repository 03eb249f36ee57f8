"""Two visits of one site: registration, hair-to-hair matching, and what changed."""

from hairscan.visits.compare import Comparison, compare_photos, compare_visits

__all__ = ["Comparison", "compare_photos", "compare_visits"]
