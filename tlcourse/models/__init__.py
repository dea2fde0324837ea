"""Freezing, heads, structure, what a step costs, feature maps, receptive fields."""

from tlcourse.models import freezing, heads, receptive_fields

__all__ = ["freezing", "heads", "receptive_fields"]
