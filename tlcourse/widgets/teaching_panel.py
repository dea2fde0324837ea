"""The teaching panel: give examples of your own classes, and watch it learn."""

import functools
import html

import ipywidgets

from tlcourse.data import sketches, symbols
from tlcourse.widgets.class_row import ClassRow
from tlcourse.widgets.image_inputs import Camera, FilePicker, Sketchpad, read_pictures
from tlcourse.widgets.thumbnails import answers, several, thumbnail
from tlcourse.widgets.view import WRAP, View, alone, told, turn

WAYS = ("draw", "camera", "files")
NOTHING = "<p>No picture yet.</p>"
SEVERAL = 24  # pictures that are answered at once
FRAMES = [("1 frame", 1), ("5 frames", 5), ("20 frames", 20)]
HELP = (
    "Make a class, draw, and press its button. With two classes it begins to answer, "
    "always before it is told."
)


class TeachingPanel(View):
    """View of a `GrowingClassifier`: it answers each picture, then can be told.

    A picture comes from a pad, from the camera, or from files. The pad also takes
    ready-made drawings, from a list, for those who do not draw. With the camera, one
    press may take several frames, one after the other. What was taken out or dropped
    can be brought back.

    Args:
        classifier: `GrowingClassifier`.
    """

    def __init__(self, classifier):
        super().__init__()
        self.lock = turn()  # the cell that runs may teach it, too
        self.classifier, self.images, self.rows, self.made = classifier, [], [], 0
        self.coming = None  # a class, and how many frames more it takes
        self.taken = []  # the strokes of the last example, while the pad empties
        self.lost = None  # examples before and after some were taken out
        self._make_inputs()
        self._make_outputs()
        self._on_way(None)
        self.refresh()

    def _make_inputs(self):
        self.way = ipywidgets.Dropdown(options=WAYS, description="picture")
        self.pad, self.camera, self.files = Sketchpad(), Camera(), FilePicker()
        self.frames = ipywidgets.Dropdown(options=FRAMES, description="per press")
        names = [("choose ...", ""), *((name, name) for name in symbols.SYMBOLS)]
        self.ready = ipywidgets.Dropdown(options=names, description="ready-made")
        self.another = ipywidgets.Button(description="Another one", disabled=True)
        self.new = ipywidgets.Text(
            description="class", placeholder="its name", continuous_update=False
        )
        self.make = ipywidgets.Button(description="New class")
        self.back = ipywidgets.Button(description="Bring back", disabled=True)
        self.way.observe(self._on_way, names="value")
        self.pad.observe(self._on_strokes, names="strokes")
        self.camera.observe(self._on_frame, names="sent")
        self.camera.observe(self._on_switch, names="on")
        self.files.observe(self._on_file, names="sent")
        self.ready.observe(self._on_ready, names="value")
        self.another.on_click(self._on_ready)
        self.new.observe(self._on_name, names="value")
        self.make.on_click(self._on_make)
        self.back.on_click(self._on_bring_back)

    def _make_outputs(self):
        self.source = ipywidgets.VBox()
        self.seen, self.found = ipywidgets.HTML(), ipywidgets.HTML()
        self.score, self.classes = ipywidgets.HTML(), ipywidgets.VBox()
        side = ipywidgets.VBox([self.seen, self.found, self.score])
        left = ipywidgets.VBox([self.way, self.source])
        top = ipywidgets.HBox([left, side], layout=WRAP)
        new = ipywidgets.HBox([self.new, self.make, self.back], layout=WRAP)
        self.box = ipywidgets.VBox([top, self.message, new, self.classes])
        self.say(HELP)

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
        self._look(self._drawn() if self.way.value == "draw" else [])

    def _drawn(self):
        strokes = self.pad.strokes
        return [sketches.draw(strokes, self.classifier.size)] if strokes else []

    @told
    def _on_strokes(self, change):
        n = len(self.taken)
        if 0 < n < len(change["new"]) and change["new"][:n] == self.taken:
            # Begun before the browser heard that the pad is empty.
            self.pad.strokes = change["new"][n:]
        elif self.way.value == "draw":
            self._look(self._drawn())

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
    def _on_file(self, _):
        file = self.files
        try:
            if file.number == 0:
                self.arrived, self.problems = [], []
            if file.problem:
                self.problems.append(f"{file.name}: {file.problem}")
            else:
                pair = [(file.name, file.content)]
                images, problems = read_pictures(pair, self.classifier.size)
                self.arrived += images
                self.problems += problems
            if not file.left and self.way.value == "files":
                self.say(_few(self.problems), is_error=bool(self.problems))
                self._look(self.arrived)
        finally:
            file.seen = file.sent

    @told
    def _on_ready(self, _):
        self.another.disabled = not self.ready.value
        if self.ready.value:
            self.made += 1
            self.pad.strokes = symbols.sketch(self.ready.value, self.made)

    def _look(self, images):
        """Shows pictures as the network sees them, and its answers."""
        self.images = images
        n, shown = len(images), images[:SEVERAL]
        found = [self.classifier.answer(image) for image in shown]
        alt = "The picture as the network sees it"
        if n == 1:
            self.seen.value = thumbnail(images[0], 96, alt)
            self.found.value = answers(found[0])
        else:
            first = f", the first {SEVERAL} of them below" if n > SEVERAL else ""
            self.seen.value = f"<p>{n} pictures{first}.</p>" if n else NOTHING
            self.found.value = several(shown, found)
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

    def _is_gone(self, row):
        """Whether somebody else has dropped the row's class, or it was a late click."""
        gone = row.called not in self.classifier.examples.names
        if gone:
            self.refresh()
            self.say(f"There is no class {row.called} any more.")
        return gone

    @told
    def _on_add(self, row, _):
        if self._is_gone(row) or not self.images:
            return
        drawing = self.way.value == "draw"
        self._take(row.called, self.frames.value if self.way.value == "camera" else 1)
        if drawing:
            self.taken, self.pad.strokes = self.pad.strokes, []
        elif self.way.value == "files":
            self._look([])

    def _take(self, name, frames):
        """Adds what is shown to a class, which then waits for the other frames."""
        self.coming = None  # also where the next line fails
        seconds = self.classifier.add(name, *self.images)
        self._has_learnt(seconds)
        if frames > 1:
            self.coming = name, frames - 1
            self.say(f"Adding to {name}: {frames - 1} more to come.")

    @told
    def _on_take_out(self, row, _):
        if not self._is_gone(row) and row.example.value is not None:
            self._forget(self.classifier.remove, row.called, row.example.value)

    @told
    def _on_drop(self, row, _):
        if not self._is_gone(row):
            self._forget(self.classifier.remove_class, row.called)

    def _forget(self, forget, *what):
        self.coming, before = None, self.classifier.examples
        seconds = forget(*what)
        self.lost = before, self.classifier.examples
        self._has_learnt(seconds)

    @told
    def _on_bring_back(self, _):
        """Only as long as nothing else has changed."""
        if self._can_bring_back():
            self.classifier.examples = self.lost[0]
            self._has_learnt(self.classifier.learn())

    def _can_bring_back(self):
        return self.lost is not None and self.classifier.examples is self.lost[1]

    @told
    def _on_rename(self, row, change):
        if change["new"] == row.called or self._is_gone(row):
            return
        self.coming, before = None, self.classifier.examples
        try:
            self.classifier.rename_class(row.called, change["new"])
            position = before.names.index(row.called)
            row.called = self.classifier.examples.names[position]
        finally:
            self.refresh()

    def _has_learnt(self, seconds):
        self.say(f"Learnt anew, in {seconds:.1f} s." if seconds else HELP)
        self.refresh()

    @alone
    def refresh(self):
        """Shows the classifier as it is, also after code has changed it."""
        examples = self.classifier.examples
        rows = {row.called: row for row in self.rows}
        self.rows = [rows.get(n) or self._new_row(n) for n in examples.names]
        for row, (name, had) in zip(self.rows, examples.classes, strict=True):
            row.show(name, [each.image for each in had], bool(self.images))
        self.back.disabled = not self._can_bring_back()
        self.classes.children = [row.box for row in self.rows]
        self.score.value = _score(self.classifier.answered)
        if self.images:
            self._look(self.images)

    def _new_row(self, name):
        row = ClassRow(name)
        row.add.on_click(functools.partial(self._on_add, row))
        row.drop.on_click(functools.partial(self._on_drop, row))
        row.name.observe(functools.partial(self._on_rename, row), names="value")
        row.take_out.on_click(functools.partial(self._on_take_out, row))
        return row

    def __repr__(self):
        counts = self.classifier.examples.counts.items()
        classes = ", ".join(f"{name} ({n})" for name, n in counts) or "none yet"
        return f"Teaching panel. Classes and their examples: {classes}."

    def _repr_html_(self):
        rows = "".join(row.pictures.value for row in self.rows)
        return f"<p>{html.escape(repr(self))}</p>{rows}{self.score.value}"


def _few(problems):
    more = len(problems) - 5
    return "; ".join(problems[:5]) + (f"; and {more} more" if more > 0 else "")


def _score(answered):
    if not answered:
        return ""
    right = sum(was == said for was, said in answered)
    return f"<p>Before it was told, it was right {right} times of {len(answered)}.</p>"
