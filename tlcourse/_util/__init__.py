"""Paths and checksums, complete files or none, progress bars, a quiet Keras."""
