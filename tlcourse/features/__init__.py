"""What a frozen network makes of images: computed at once, kept, or shard by shard."""

from tlcourse.features.extraction import extract

__all__ = ["extract"]
