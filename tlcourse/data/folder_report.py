"""What reading a folder of images has found, in words."""

import dataclasses
import unicodedata

FEW = 10  # images of a class, below which little can be learned or tested
UNEVEN = 3  # times as many images in the largest class as in the smallest
LISTED = 20  # names that are shown; the report holds all
HIDDEN = "hidden, or a file of the system"


def printable(name):
    """Escapes what would break a line: control characters, broken Unicode.

    Args:
        name: String, a file name as the system gives it.

    Returns:
        String.
    """
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in name
    )


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file or folder that gave no image.

    Args:
        name: String, inside the folder, with `/`.
        reason: String.
    """

    name: str
    reason: str

    def __str__(self):
        name = self.name if len(self.name) <= 80 else f"...{self.name[-77:]}"
        return f"{name}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class FolderReport:
    """What `load_folder` found. `print` it.

    Args:
        folder: String.
        counts: dict, class name to its images in the dataset.
        files: tuple of strings, `class/name`, in the order of the dataset.
        skipped: tuple of `Skipped`, sorted by name.
        not_drawn: dict, class name to the files that `per_class` left unread.
        empty: tuple of strings, folders without an image that can be read.
        duplicates: tuple of tuples of names; those of one tuple hold the same bytes.
        enlarged: Integer, images with fewer pixels than were asked for.
        n_bytes: Integer, memory that the images take.
    """

    folder: str
    counts: dict
    files: tuple
    skipped: tuple
    not_drawn: dict
    empty: tuple
    duplicates: tuple
    enlarged: int
    n_bytes: int

    @property
    def contradictions(self):
        """Those of `duplicates` that lie in more than one class."""
        return tuple(same for same in self.duplicates if len(_classes(same)) > 1)

    @property
    def notices(self):
        """tuple of sentences: what to look at before training."""
        every = (
            self._about_empty(),
            self._about_few(),
            self._about_balance(),
            self._about_contradictions(),
            self._about_duplicates(),
            self._about_names(),
            self._about_small(),
            self._about_not_drawn(),
        )
        return tuple(filter(None, every))

    def __str__(self):
        counts = ", ".join(f"{name} {n}" for name, n in self.counts.items())
        lines = [
            f"{len(self.files)} images from {self.folder} "
            f"({self.n_bytes / 1e6:.1f} MB in memory): {counts}."
        ]
        lines += [f"Look: {notice}" for notice in self.notices]
        hidden = [each for each in self.skipped if each.reason == HIDDEN]
        others = [each for each in self.skipped if each.reason != HIDDEN]
        lines += _listing("Skipped:", others)
        lines += _listing("Skipped, as it should be:", hidden)
        return "\n".join(lines)

    def _about_empty(self):
        if self.empty:
            return f"no image can be read in {_and(self.empty)}; left out as a class."

    def _about_few(self):
        few = [f"{name} ({n})" for name, n in self.counts.items() if n < FEW]
        if few:
            return (
                f"fewer than {FEW} images in {_and(few)}. That is little to learn "
                "from, and too little to test on."
            )

    def _about_balance(self):
        largest = max(self.counts, key=self.counts.get)
        smallest = min(self.counts, key=self.counts.get)
        high, low = self.counts[largest], self.counts[smallest]
        if high >= UNEVEN * low:
            share = high / sum(self.counts.values())
            return (
                f"the classes are uneven: {largest} has {high} images, {smallest} "
                f"{low}. Always to answer {largest} is right in {share:.0%}. Compare "
                "with that, look at each class, and consider `per_class` or "
                "`class_weight`."
            )

    def _about_contradictions(self):
        if self.contradictions:
            return (
                f"images in more than one class: {len(self.contradictions)}, such as "
                f"{_and(self.contradictions[0])}. They contradict each other: keep "
                "the right one."
            )

    def _about_duplicates(self):
        same = [each for each in self.duplicates if len(_classes(each)) == 1]
        if same:
            return (
                f"images that are there more than once: {len(same)}, such as "
                f"{_and(same[0])}. With one copy to train on and one in the test, "
                "the test flatters: keep one of each."
            )

    def _about_names(self):
        plain = {}
        for name in self.counts:
            key = unicodedata.normalize("NFKC", name).casefold().strip()
            plain.setdefault(key, []).append(name)
        alike = [names for names in plain.values() if len(names) > 1]
        if alike:
            return f"{_and(alike[0])} are two classes. Is it one?"

    def _about_small(self):
        if self.enlarged:
            return f"images enlarged, as they had fewer pixels: {self.enlarged}."

    def _about_not_drawn(self):
        if self.not_drawn:
            left = sum(self.not_drawn.values())
            return f"files not read, as `per_class` limits the images: {left}."


def _classes(names):
    return {name.split("/")[0] for name in names}


def _and(names):
    names = [printable(name) for name in names]
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _listing(title, skipped):
    if not skipped:
        return []
    lines = [f"  {each}" for each in skipped[:LISTED]]
    more = len(skipped) - LISTED
    return [title, *lines, *([f"  and {more} more: `.skipped`"] if more > 0 else [])]
