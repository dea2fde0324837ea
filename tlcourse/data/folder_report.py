"""Says in words what `load_folder` found in a folder of images."""

import dataclasses
import unicodedata

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


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file or folder that gave no image: its name inside the folder, and why."""

    name: str
    reason: str

    def __str__(self):
        name = self.name if len(self.name) <= 80 else f"...{self.name[-77:]}"
        return f"{name}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class FolderReport:
    """What `load_folder` found. `print` it."""

    folder: str
    counts: dict  # class name to its images in the dataset
    files: tuple  # `class/name`, in the order of the dataset
    skipped: tuple  # of `Skipped`, sorted by name
    not_drawn: dict  # class name to the files that `per_class` left unread
    empty: tuple  # folders without an image that can be read
    duplicates: tuple  # tuples of files that hold the same bytes
    enlarged: int  # images with fewer pixels than were asked for
    n_bytes: int  # memory that the images take

    @property
    def contradictions(self):
        """The `duplicates` that lie in more than one class."""
        return tuple(same for same in self.duplicates if len(_classes(same)) > 1)

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
        if self.empty:
            yield f"no image can be read in {_join(self.empty)}; left out as a class."
        few = [f"{name} ({n})" for name, n in self.counts.items() if n < FEW]
        if few:
            yield (
                f"fewer than {FEW} images in {_join(few)}. That is little to learn "
                "from, and too little to test on."
            )
        largest = max(self.counts, key=self.counts.get)
        smallest = min(self.counts, key=self.counts.get)
        high, low = self.counts[largest], self.counts[smallest]
        if high >= UNEVEN * low:
            share = high / sum(self.counts.values())
            yield (
                f"the classes are uneven: {largest} has {high} images, {smallest} "
                f"{low}. Always to answer {largest} is right in {share:.0%}. Compare "
                "with that, look at each class, and consider `per_class` or "
                "`class_weight`."
            )

    def _about_duplicates(self):
        if self.contradictions:
            yield (
                f"images in more than one class: {len(self.contradictions)}, such as "
                f"{_join(self.contradictions[0])}. They contradict each other: keep "
                "the right one."
            )
        same = [each for each in self.duplicates if len(_classes(each)) == 1]
        if same:
            yield (
                f"images that are there more than once: {len(same)}, such as "
                f"{_join(same[0])}. With one copy to train on and one in the test, "
                "the test flatters: keep one of each."
            )

    def _about_rest(self):
        names = {}
        for name in self.counts:
            key = unicodedata.normalize("NFKC", name).casefold().strip()
            names.setdefault(key, []).append(name)
        similar = [each for each in names.values() if len(each) > 1]
        if similar:
            yield f"{_join(similar[0])} are two classes. Is it one?"
        if self.enlarged:
            yield f"images enlarged, as they had fewer pixels: {self.enlarged}."
        if self.not_drawn:
            left = sum(self.not_drawn.values())
            yield f"files not read, as `per_class` limits the images: {left}."


def _classes(names):
    return {name.split("/")[0] for name in names}


def _join(names):
    names = [printable(name) for name in names]
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _listing(title, skipped):
    if not skipped:
        return []
    lines = [f"  {each}" for each in skipped[:LISTED]]
    more = len(skipped) - LISTED
    return [title, *lines, *([f"  and {more} more: `.skipped`"] if more > 0 else [])]
