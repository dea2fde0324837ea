"""Paths and checksums, whole files, a quiet import of Keras."""
