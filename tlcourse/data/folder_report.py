"""Says in words what `load_folder` found in a folder of images."""

import unicodedata
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

FEW = 10  # images of a class, below which little can be learned or tested
UNEVEN = 3  # times as many images in the largest class as in the smallest
LISTED = 20  # files that are shown; the report holds all
HIDDEN = "hidden, or a file of the system"


def printable(name):
    """Escapes control characters and broken Unicode in a file name."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in name
    )


class Skipped(NamedTuple):
    """A file or folder that gave no image: its name inside the folder, and why."""

    name: str
    reason: str

    def __str__(self):
        return f"{self.name}: {self.reason}"


class ReadFile(NamedTuple):
    """A file that was read, and what is to be said of it."""

    name: str  # `class/name`
    digest: bytes  # sha256
    enlarged: bool
    has_more: bool  # pages or frames beyond the first, which was read
    brightest: int  # value of a pixel, 0..255


class FolderReport(NamedTuple):
    """What `load_folder` found. `print` it."""

    folder: str
    class_names: tuple  # of all folders, also those without an image
    read: tuple  # of `ReadFile`, in the order of the dataset
    skipped: tuple  # of `Skipped`, sorted by name
    not_drawn: int  # files that `per_class` left unread
    n_bytes: int  # memory that the images take
    is_fixed: bool  # the classes were given, so that none is left out

    @property
    def files(self):
        """The names `class/name` of what was read, in the order of the dataset."""
        return tuple(file.name for file in self.read)

    @property
    def counts(self):
        """dict, class name to the number of its images, if there are any."""
        return dict(Counter(name.split("/")[0] for name in self.files))

    @property
    def notices(self):
        """What to look at before training, a tuple of sentences."""
        return (*self._about_classes(), *self._about_duplicates(), *self._about_rest())

    def __str__(self):
        counts = ", ".join(f"{name} {n}" for name, n in self.counts.items())
        lines = [
            f"{len(self.files)} images from {self.folder} "
            f"({self.n_bytes / 1e6:.1f} MB in memory): {counts}."
        ]
        lines += [f"Look: {notice}" for notice in self.notices]
        others = [each for each in self.skipped if each.reason != HIDDEN]
        hidden = [each for each in self.skipped if each.reason == HIDDEN]
        lines += _listing("Skipped:", others)
        lines += _listing("Skipped, as it should be:", hidden)
        return "\n".join(lines)

    def _about_classes(self):
        counts = self.counts
        empty = [name for name in self.class_names if name not in counts]
        if empty:
            kept = "they stay classes" if self.is_fixed else "left out as a class"
            yield f"no image can be read in {_join(empty)}; {kept}."
        inner = defaultdict(set)
        for name in self.files:
            inner[name.split("/")[0]].update(name.split("/")[1:-1][:1])
        shared = set.intersection(*inner.values())
        if len(shared) > 1 and len(inner) > 1:
            yield (
                f"the folders {_join(sorted(shared))} are in each of "
                f"{_join([*inner])}. If they "
                "are the classes, load these one by one."
            )
        few = [f"{name} ({n})" for name, n in counts.items() if n < FEW]
        if few:
            yield (
                f"fewer than {FEW} images in {_join(few)}. That is little to learn "
                "from, and too little to test on."
            )
        largest, smallest = max(counts, key=counts.get), min(counts, key=counts.get)
        high, low = counts[largest], counts[smallest]
        if high >= UNEVEN * low:
            share = high / len(self.read)
            yield (
                f"the classes are uneven: {largest} has {high} images, {smallest} "
                f"{low}. Always to answer {largest} is right in {share:.0%}. Compare "
                "with that, look at each class, and consider `per_class` here, or "
                "`class_weight` in Keras's own `model.fit`."
            )

    def _about_duplicates(self):
        same = defaultdict(list)
        for file in self.read:
            same[file.digest].append(file.name)
        copies = [names for names in same.values() if len(names) > 1]
        n_classes = [len({name.split("/")[0] for name in names}) for names in copies]
        across = [names for names, n in zip(copies, n_classes, strict=True) if n > 1]
        within = [names for names in copies if names not in across]
        if across:
            yield (
                f"images in more than one class: {len(across)}, such as "
                f"{_join(across[0])}. They contradict each other: keep the right one."
            )
        if within:
            yield (
                f"images that are there more than once: {len(within)}, such as "
                f"{_join(within[0])}. With one copy to train on and one in the test, "
                "the test flatters: keep one of each."
            )

    def _about_rest(self):
        alike = defaultdict(list)
        for name in self.counts:
            alike[unicodedata.normalize("NFKC", name).casefold().strip()].append(name)
        similar = [names for names in alike.values() if len(names) > 1]
        if similar:
            yield f"{_join(similar[0])} are two classes. Is it one?"
        more = [file.name for file in self.read if file.has_more]
        if more:
            yield (
                f"files of several pages or frames: {len(more)}, such as {more[0]}. "
                "Only the first is read; save the others as files of their own."
            )
        dark = find_dark(np.array([file.brightest for file in self.read]))
        if dark.any():
            yield about_dark(dark.sum(), self.files[dark.argmax()])
        enlarged = sum(file.enlarged for file in self.read)
        if enlarged:
            yield f"images enlarged, as they had fewer pixels: {enlarged}."
        if self.not_drawn:
            yield f"files not read, as `per_class` limits the images: {self.not_drawn}."


def find_dark(brightest):
    """Which images are nearly black, by their brightest values: boolean array."""
    # 12 bits in a file of 16 reach 16; 14 bits reach 63, but so does one at night.
    return brightest <= (63 if brightest.max(initial=0) <= 63 else 16)


def about_dark(n, name):
    """Says that `n` images are nearly black, and what to do."""
    return (
        f"nearly black images: {n}, such as {name}. They use less than a quarter of "
        "the range. If 12 bits lie in a file of 16, save them as 8 bits: "
        "`Image.fromarray((np.asarray(Image.open(file)) // 16).astype('uint8'))`."
    )


def _join(names):
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _listing(title, skipped):
    lines = [f"  {each}" for each in skipped[:LISTED]]
    more = len(skipped) - LISTED
    lines += [f"  and {more} more: `.skipped`"] if more > 0 else []
    return [title, *lines] if lines else []
