"""The teaching panel: give examples of your own classes, and watch it learn."""

import functools
import html

import ipywidgets

from tlcourse import sketches, symbols
from tlcourse.widgets.class_row import NONE, ClassRow
from tlcourse.widgets.inputs import Camera, Sketchpad, read_pictures, uploaded
from tlcourse.widgets.thumbnails import answers, thumbnail
from tlcourse.widgets.view import WRAP, View, alone, told, turn

WAYS = ("draw", "camera", "files")
FRAMES = [("1 frame", 1), ("5 frames", 5), ("20 frames", 20)]
HELP = (
    "Make a class, draw, and press its button. With two classes it begins to answer, "
    "always before it is told."
)


class TeachingPanel(View):
    """View of a `GrowingClassifier`: it answers each picture, then can be told.

    A picture comes from a pad, from the camera, or from files. The pad also takes
    ready-made drawings, from a list, for those who do not draw. With the camera, one
    press may take several frames, one after the other.

    Args:
        classifier: `GrowingClassifier`.
    """

    def __init__(self, classifier):
        super().__init__()
        self.lock = turn()  # the cell that runs may teach it, too
        self.classifier, self.images, self.rows, self.made = classifier, [], [], 0
        self.coming = None  # a class, and how many frames more it takes
        self._make_inputs()
        self._make_outputs()
        self._on_way(None)
        self.refresh()

    def _make_inputs(self):
        self.way = ipywidgets.Dropdown(options=WAYS, description="picture")
        self.pad, self.camera = Sketchpad(), Camera()
        self.frames = ipywidgets.Dropdown(options=FRAMES, description="per press")
        names = [("choose ...", ""), *((name, name) for name in symbols.SYMBOLS)]
        self.ready = ipywidgets.Dropdown(options=names, description="ready-made")
        self.another = ipywidgets.Button(description="Another one", disabled=True)
        self.new = ipywidgets.Text(
            description="class", placeholder="its name", continuous_update=False
        )
        self.make = ipywidgets.Button(description="New class")
        self.way.observe(self._on_way, names="value")
        self.pad.observe(self._on_strokes, names="strokes")
        self.camera.observe(self._on_frame, names="sent")
        self.camera.observe(self._on_switch, names="on")
        self._clear_files()
        self.ready.observe(self._on_ready, names="value")
        self.another.on_click(self._on_ready)
        self.new.observe(self._on_name, names="value")
        self.make.on_click(self._on_make)

    def _make_outputs(self):
        self.source = ipywidgets.VBox()
        self.seen, self.found = ipywidgets.HTML(), ipywidgets.HTML()
        self.score, self.classes = ipywidgets.HTML(), ipywidgets.VBox()
        side = ipywidgets.VBox([self.seen, self.found, self.score])
        left = ipywidgets.VBox([self.way, self.source])
        top = ipywidgets.HBox([left, side], layout=WRAP)
        new = ipywidgets.HBox([self.new, self.make], layout=WRAP)
        self.box = ipywidgets.VBox([top, self.message, new, self.classes])
        self.say(HELP)

    def _clear_files(self):
        """A new button: ipywidgets 7 has no way to empty the old one."""
        self.files = ipywidgets.FileUpload(accept="image/*", multiple=True)
        self.files.observe(self._on_files, names="value")

    @told
    def _on_way(self, _):
        ready = ipywidgets.HBox([self.ready, self.another], layout=WRAP)
        shown = {
            "draw": [self.pad, ready],
            "camera": [self.camera, self.frames],
            "files": [self.files],
        }
        self.source.children = shown[self.way.value]
        self.coming = None
        self._look([])

    @told
    def _on_strokes(self, change):
        strokes = change["new"]
        size = self.classifier.size
        self._look([sketches.picture(strokes, size)] if strokes else [])

    @told
    def _on_frame(self, _):
        try:
            frame = [("the camera's picture", self.camera.frame)]
            images, problems = read_pictures(frame, self.classifier.size)
            if problems:
                self.say(problems[0], is_error=True)
            elif self.way.value == "camera":
                self._look(images)
                if self.coming:
                    self._take(*self.coming)
        finally:
            self.camera.seen = self.camera.sent

    @told
    def _on_switch(self, _):
        """What was not taken before the camera went off is not taken after it."""
        self.coming = None

    @told
    def _on_files(self, _):
        files = uploaded(self.files.value)
        images, problems = read_pictures(files, self.classifier.size)
        if files:
            self.say("; ".join(problems), is_error=True)
            self._look(images)

    @told
    def _on_ready(self, _):
        self.another.disabled = not self.ready.value
        if self.ready.value:
            self.made += 1
            self.pad.strokes = symbols.sketch(self.ready.value, self.made)

    def _look(self, images):
        """Shows pictures as the network sees them, and its answer to the last."""
        self.images = images
        n = len(images)
        alt = "The picture as the network sees it"
        seen = thumbnail(images[-1], 96, alt) if n else "<p>No picture yet.</p>"
        many = f"<p>{n} pictures; below, the answer to the last.</p>" if n > 1 else ""
        self.seen.value = seen + many
        self.found.value = answers(self.classifier.answer(images[-1])) if n else ""
        for row in self.rows:
            row.add.disabled = not n

    @told
    def _on_name(self, _):
        """A name makes a class: with Enter, or when one leaves the field."""
        if self.new.value:
            self.classifier.add_class(self.new.value)
            self.new.value = ""
            self.say("")
            self.refresh()

    @told
    def _on_make(self, _):
        """The name may come after the press: browsers hold back what one types."""
        self._on_name(None)
        if not self.new.value:
            self.say(HELP)

    @told
    def _on_add(self, row, _):
        self._take(row.called, self.frames.value if self.way.value == "camera" else 1)
        if self.way.value == "draw":
            self.pad.strokes = []
        if self.way.value == "files":
            self._clear_files()
            self._on_way(None)

    def _take(self, name, frames):
        """Adds what is shown to a class, which then waits for the other frames."""
        self.coming = None  # also where the next line fails
        seconds = self.classifier.add(name, *self.images)
        self._has_learnt(seconds)
        if frames > 1:
            self.coming = name, frames - 1
            self.say(f"Adding to {name}: {frames - 1} more to come.")

    @told
    def _on_take_out(self, row, change):
        if change["new"] != NONE:
            self._has_learnt(self.classifier.remove(row.called, change["new"]))

    @told
    def _on_drop(self, row, _):
        self.coming = None
        self._has_learnt(self.classifier.remove_class(row.called))

    @told
    def _on_rename(self, row, change):
        if change["new"] == row.called:
            return
        self.coming = None
        try:
            self.classifier.rename_class(row.called, change["new"])
        finally:
            self.refresh()

    def _has_learnt(self, seconds):
        self.say(f"Learnt anew, in {seconds:.1f} s." if seconds else HELP)
        self.refresh()

    @alone
    def refresh(self):
        """Shows the classifier as it is, also after code has changed it."""
        examples = self.classifier.examples
        while len(self.rows) > len(examples.names):
            self.rows.pop()
        while len(self.rows) < len(examples.names):
            self.rows.append(self._new_row(examples.names[len(self.rows)]))
        for row, (name, had) in zip(self.rows, examples.classes, strict=True):
            row.show(name, [each.image for each in had], bool(self.images))
        self.classes.children = [row.box for row in self.rows]
        self.score.value = _score(self.classifier.answered)
        if self.images:
            self._look(self.images)

    def _new_row(self, name):
        row = ClassRow(name)
        row.add.on_click(functools.partial(self._on_add, row))
        row.drop.on_click(functools.partial(self._on_drop, row))
        row.name.observe(functools.partial(self._on_rename, row), names="value")
        row.take_out.observe(functools.partial(self._on_take_out, row), names="value")
        return row

    def __repr__(self):
        counts = self.classifier.examples.counts.items()
        classes = ", ".join(f"{name} ({n})" for name, n in counts) or "none yet"
        return f"Teaching panel. Classes and their examples: {classes}."

    def _repr_html_(self):
        rows = "".join(row.pictures.value for row in self.rows)
        return f"<p>{html.escape(repr(self))}</p>{rows}{self.score.value}"


def _score(answered):
    if not answered:
        return ""
    right = sum(was == said for was, said in answered)
    return f"<p>Before it was told, it was right {right} times of {len(answered)}.</p>"
