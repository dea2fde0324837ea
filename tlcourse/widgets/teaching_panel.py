"""The teaching panel: give examples of your own classes, and watch it learn."""

import ipywidgets

from tlcourse.widgets import html_images
from tlcourse.widgets.class_examples import ClassExamples
from tlcourse.widgets.image_source import ImageSource
from tlcourse.widgets.view import WRAP, View, model_lock, shows_errors

AT_ONCE = 24  # images that are predicted and shown
HELP = (
    "Make a class, draw, and press its button. With two classes it begins to answer, "
    "always before it is told."
)


class TeachingPanel(View):
    """View of a `GrowingClassifier`: it predicts each image, then learns its class.

    An image comes from a pad, which also takes ready-made drawings, from the camera,
    or from files. What was taken out or dropped can be brought back.

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
        self.new = ipywidgets.Text(
            description="class", placeholder="its name", continuous_update=False
        )
        self.make = ipywidgets.Button(description="New class")
        self.back = ipywidgets.Button(description="Bring back", disabled=True)
        self.new.observe(self._on_new, names="value")
        self.make.on_click(self._on_new)
        self.back.on_click(self._on_bring_back)
        self._make_box()
        self.source.show_inputs()
        self.refresh()

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
            self.seen.value = html_images.thumbnail(images[0], 96, alt)
            self.found.value = html_images.prediction_bars(predictions[0])
        else:
            first = f", the first {AT_ONCE} of them below" if n > AT_ONCE else ""
            text = f"{n} pictures{first}" if n else "No picture yet"
            self.seen.value = f"<p>{text}.</p>"
            self.found.value = html_images.captioned_thumbnails(shown, predictions)
        for row in self.rows:
            row.add.disabled = not n

    @shows_errors
    def _on_new(self, _):
        """The name may come before or after the press: browsers hold back typing."""
        if self.new.value:
            self.classifier.add_class(self.new.value)
            self.new.value = ""
            self.refresh()
        self.say(HELP)

    @shows_errors
    def act(self, action, row):
        """Acts on a row, if no other click has dropped its class."""
        if row.class_name in self.classifier.examples:
            action(row)
        else:
            self.refresh()
            self.say(f"There is no class {row.class_name} any more.")

    def add(self, row):
        """Adds the images to the class of a row, and with the camera those to come."""
        if self.images:
            way = self.source.way.value  # a click may change it meanwhile
            frames = self.source.frames.value if way == "camera" else 1
            self.add_images(row.class_name, frames)
            self.source.clear(way)

    def add_images(self, name, frames):
        """Adds the images to a class, which then waits for the other frames."""
        self.recording = None  # also where the next line fails
        seconds = self.classifier.add(name, *self.images)
        self._show_training(seconds)
        if frames > 1:
            self.recording = name, frames - 1
            self.say(f"Adding to {name}: {frames - 1} more to come.")

    def take_out(self, row):
        """Takes the chosen example out of the class of a row."""
        self._remove(self.classifier.remove, row.class_name, row.example.value)

    def drop(self, row):
        """Drops the class of a row."""
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

    def rename(self, row):
        """Gives the class of a row the name that its field holds."""
        old, new = row.class_name, row.name.value
        if new != old:
            self.recording = None
            try:
                row.class_name = self.classifier.rename_class(old, new)
            finally:
                self.refresh()

    def _show_training(self, seconds):
        self.say(f"Learnt anew, in {seconds:.1f} s." if seconds else HELP)
        self.refresh()

    def refresh(self):
        """Shows the classifier as it is, also after code has changed it."""
        examples = self.classifier.examples
        rows = {row.class_name: row for row in self.rows}
        self.rows = [rows.get(n) or ClassExamples(self, n) for n in examples]
        for row, (name, had) in zip(self.rows, examples.items(), strict=True):
            row.show(name, [each.image for each in had], bool(self.images))
        self.back.disabled = not self._can_bring_back()
        self.classes.children = [row.box for row in self.rows]
        self.score.value = _score(self.classifier.first_predictions)
        if self.images:
            self.show_images(self.images)

    def __repr__(self):
        examples = self.classifier.examples.items()
        counts = ", ".join(f"{name} ({len(had)})" for name, had in examples)
        return f"Teaching panel. Classes and their examples: {counts or 'none yet'}."

    def _repr_html_(self):
        rows = "".join(row.pictures.value for row in self.rows)
        return f"<p>{html_images.as_text(repr(self))}</p>{rows}{self.score.value}"


def _score(predictions):
    n, right = len(predictions), sum(a == b for a, b in predictions)
    said = f"<p>Before it was told, it was right {right} times of {n}.</p>"
    return said if n else ""
