"""Many photographs, and the folder their results are written to."""
