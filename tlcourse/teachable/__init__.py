"""Lesson 13: a classifier that grows while somebody shows it examples."""

from tlcourse.teachable.classifier import GrowingClassifier

__all__ = ["GrowingClassifier"]
