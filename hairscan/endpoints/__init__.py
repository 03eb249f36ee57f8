"""Hairs become the photograph's endpoints: counting frame, density, terminal and vellus, cumulative thickness."""
