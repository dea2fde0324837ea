"""Counts of neighbouring characters: what a model has to beat. NumPy alone."""

import numpy as np

ORDER = 6  # characters in a count, the next one among them
ALPHABET = 128


class NGrams:
    """Interpolated counts (Witten and Bell 1991) of one to six characters of `text`."""

    def __init__(self, text):
        codes = self._codes(text)
        self.counts, self.kinds = [], []
        for order in range(1, ORDER + 1):
            grams = self._grams(codes, order)
            self.counts.append(np.unique(grams, return_counts=True))
            contexts = self.counts[-1][0] // ALPHABET
            self.kinds.append(np.unique(contexts, return_counts=True))
        self.totals = [
            np.unique(self._grams(codes, order) // ALPHABET, return_counts=True)
            for order in range(1, ORDER + 1)
        ]

    @staticmethod
    def _codes(text):
        return np.frombuffer(text.encode("ascii"), "uint8").astype("int64")

    @staticmethod
    def _grams(codes, order):
        n = len(codes) - order + 1
        return sum(codes[k : k + n] * ALPHABET ** (order - 1 - k) for k in range(order))

    @staticmethod
    def _look_up(table, keys):
        names, numbers = table
        at = np.searchsorted(names, keys).clip(0, len(names) - 1)
        return np.where(names[at] == keys, numbers[at], 0)

    def bits_per_character(self, text):
        """Mean of the bits that each character of `text` needs, from the sixth on."""
        codes = self._codes(text)
        chance = np.full(len(codes) - ORDER + 1, 1 / 97)
        for order in range(1, ORDER + 1):
            grams = self._grams(codes, order)[ORDER - order :]
            count = self._look_up(self.counts[order - 1], grams)
            kinds = self._look_up(self.kinds[order - 1], grams // ALPHABET)
            total = self._look_up(self.totals[order - 1], grams // ALPHABET)
            mixed = (count + kinds * chance) / np.maximum(total + kinds, 1)
            chance = np.where(total > 0, mixed, chance)
        return float(-np.log2(chance).mean())
