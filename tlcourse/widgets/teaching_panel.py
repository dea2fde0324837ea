"""The teaching panel: give examples of your own classes, and watch it learn."""

import functools
import html

import ipywidgets

from tlcourse.widgets.class_examples import ClassExamples
from tlcourse.widgets.html_images import (
    captioned_thumbnails,
    prediction_bars,
    thumbnail,
)
from tlcourse.widgets.image_source import ImageSource
from tlcourse.widgets.view import WRAP, View, locked, model_lock, shows_errors

NOTHING = "<p>No picture yet.</p>"
AT_ONCE = 24  # images that are predicted and shown
HELP = (
    "Make a class, draw, and press its button. With two classes it begins to answer, "
    "always before it is told."
)


class TeachingPanel(View):
    """View of a `GrowingClassifier`: it predicts each image, then learns its class.

    An image comes from a pad, from the camera, or from files. The pad also takes
    ready-made drawings, from a list, for those who do not draw. With the camera, one
    press may add several frames, one after the other. What was taken out or dropped
    can be brought back.

    Args:
        classifier: `GrowingClassifier`.
    """

    def __init__(self, classifier):
        super().__init__()
        self.lock = model_lock()  # the cell that runs may teach it, too
        self.classifier, self.images, self.rows = classifier, [], []
        self.recording = None  # a class, and how many more frames it takes
        self.removed = None  # the examples before and after the last removal
        self.source = ImageSource(self, classifier.size)
        self._make_controls()
        self._make_box()
        self.source.show_inputs()
        self.refresh()

    def _make_controls(self):
        self.new = ipywidgets.Text(
            description="class", placeholder="its name", continuous_update=False
        )
        self.make = ipywidgets.Button(description="New class")
        self.back = ipywidgets.Button(description="Bring back", disabled=True)
        self.new.observe(self._on_name, names="value")
        self.make.on_click(self._on_make)
        self.back.on_click(self._on_bring_back)

    def _make_box(self):
        self.seen, self.found = ipywidgets.HTML(), ipywidgets.HTML()
        self.score, self.classes = ipywidgets.HTML(), ipywidgets.VBox()
        side = ipywidgets.VBox([self.seen, self.found, self.score])
        top = ipywidgets.HBox([self.source.box, side], layout=WRAP)
        new = ipywidgets.HBox([self.new, self.make, self.back], layout=WRAP)
        self.box = ipywidgets.VBox([top, self.message, new, self.classes])
        self.say(HELP)

    def show_images(self, images):
        """Shows images as the network sees them, and what it predicts."""
        self.images = images
        n, shown = len(images), images[:AT_ONCE]
        predictions = [self.classifier.predict(image) for image in shown]
        if n == 1:
            alt = "The picture as the network sees it"
            self.seen.value = thumbnail(images[0], 96, alt)
            self.found.value = prediction_bars(predictions[0])
        else:
            first = f", the first {AT_ONCE} of them below" if n > AT_ONCE else ""
            self.seen.value = f"<p>{n} pictures{first}.</p>" if n else NOTHING
            self.found.value = captioned_thumbnails(shown, predictions)
        for row in self.rows:
            row.add.disabled = not n

    @shows_errors
    def _on_name(self, _):
        """A name makes a class: with Enter, or when one leaves the field."""
        if self.new.value:
            self.classifier.add_class(self.new.value)
            self.new.value = ""
            self.say("")
            self.refresh()

    @shows_errors
    def _on_make(self, _):
        """The name may come after the press: browsers hold back what one types."""
        self._on_name(None)
        if not self.new.value:
            self.say(HELP)

    def _is_gone(self, row):
        """Whether the class was dropped elsewhere, or by the first of two clicks."""
        gone = row.class_name not in self.classifier.examples
        if gone:
            self.refresh()
            self.say(f"There is no class {row.class_name} any more.")
        return gone

    @shows_errors
    def _on_add(self, row, _):
        if self._is_gone(row) or not self.images:
            return
        way = self.source.way.value
        self._add_images(row.class_name, self.source.frames_per_press)
        self.source.clear(way)

    def _add_images(self, name, frames):
        """Adds the images to a class, which then waits for the other frames."""
        self.recording = None  # also where the next line fails
        seconds = self.classifier.add(name, *self.images)
        self._show_training(seconds)
        if frames > 1:
            self.recording = name, frames - 1
            self.say(f"Adding to {name}: {frames - 1} more to come.")

    def record_frame(self):
        """Adds the frame that came to the class that waits for it, if one does."""
        if self.recording:
            self._add_images(*self.recording)

    def stop_recording(self):
        """Adds no more of the frames that come."""
        self.recording = None

    @shows_errors
    def _on_take_out(self, row, _):
        if not self._is_gone(row) and row.example.value is not None:
            self._remove(self.classifier.remove, row.class_name, row.example.value)

    @shows_errors
    def _on_drop(self, row, _):
        if not self._is_gone(row):
            self._remove(self.classifier.remove_class, row.class_name)

    def _remove(self, remove, *what):
        self.recording, before = None, self.classifier.examples
        seconds = remove(*what)
        self.removed = before, self.classifier.examples
        self._show_training(seconds)

    @shows_errors
    def _on_bring_back(self, _):
        if self._can_bring_back():
            self.classifier.examples = self.removed[0]
            self._show_training(self.classifier.train())

    def _can_bring_back(self):
        """Only as long as nothing else has changed."""
        return self.removed and self.classifier.examples is self.removed[1]

    @shows_errors
    def _on_rename(self, row, change):
        if change["new"] == row.class_name or self._is_gone(row):
            return
        self.recording, rename = None, self.classifier.rename_class
        try:
            row.class_name = rename(row.class_name, change["new"])
        finally:
            self.refresh()

    def _show_training(self, seconds):
        self.say(f"Learnt anew, in {seconds:.1f} s." if seconds else HELP)
        self.refresh()

    @locked
    def refresh(self):
        """Shows the classifier as it is, also after code has changed it."""
        examples = self.classifier.examples
        rows = {row.class_name: row for row in self.rows}
        self.rows = [rows.get(n) or self._new_row(n) for n in examples]
        for row, (name, had) in zip(self.rows, examples.items(), strict=True):
            row.show(name, [each.image for each in had], bool(self.images))
        self.back.disabled = not self._can_bring_back()
        self.classes.children = [row.box for row in self.rows]
        self.score.value = _score(self.classifier.first_predictions)
        if self.images:
            self.show_images(self.images)

    def _new_row(self, name):
        row = ClassExamples(name)
        row.add.on_click(functools.partial(self._on_add, row))
        row.drop.on_click(functools.partial(self._on_drop, row))
        row.name.observe(functools.partial(self._on_rename, row), names="value")
        row.take_out.on_click(functools.partial(self._on_take_out, row))
        return row

    def __repr__(self):
        examples = self.classifier.examples.items()
        counts = ", ".join(f"{name} ({len(had)})" for name, had in examples)
        return f"Teaching panel. Classes and their examples: {counts or 'none yet'}."

    def _repr_html_(self):
        rows = "".join(row.pictures.value for row in self.rows)
        return f"<p>{html.escape(repr(self))}</p>{rows}{self.score.value}"


def _score(first_predictions):
    if not first_predictions:
        return ""
    n, right = len(first_predictions), sum(a == b for a, b in first_predictions)
    return f"<p>Before it was told, it was right {right} times of {n}.</p>"
