"""Lesson 13: a classifier that learns from the examples somebody shows it."""

from tlcourse.teachable.classifier import GrowingClassifier

__all__ = ["GrowingClassifier"]
