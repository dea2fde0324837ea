"""Where the teaching panel gets its images: a sketchpad, the camera, or files."""

import ipywidgets

from tlcourse.data import sketches, symbols
from tlcourse.data.folders import UnreadablePicture, read_picture
from tlcourse.widgets.image_inputs import Camera, FilePicker, Sketchpad
from tlcourse.widgets.view import WRAP, button, shows_errors

FRAMES = [("1 frame", 1), ("5 frames", 5), ("20 frames", 20)]


class ImageSource:
    """A menu of inputs, and the chosen one, with the panel's message and lock.

    The panel's `show_images` gets each new list of images, uint8 `(h, w, 3)` of `size`;
    its `recording` ends when no more frames will come.
    """

    def __init__(self, panel, size):
        self.panel, self.size = panel, size
        self.say, self.lock = panel.say, panel.lock
        self.n_sketches = 0
        self.added_strokes = []  # of the last example, while the pad empties
        self.pad, self.camera, self.files = Sketchpad(), Camera(), FilePicker()
        self.frames = ipywidgets.Dropdown(options=FRAMES, description="per press")
        names = [("choose ...", ""), *((name, name) for name in symbols.SYMBOLS)]
        self.ready = ipywidgets.Dropdown(options=names, description="ready-made")
        for each, width in ((self.ready, "205px"), (self.frames, "205px")):
            each.style.description_width, each.layout.width = "initial", width
        self.another = button("Another one", self._on_ready)
        self.another.disabled = True
        self.ways = {
            "draw": [
                self.pad,
                ipywidgets.HBox([self.ready, self.another], layout=WRAP),
            ],
            "camera": [self.camera, self.frames],
            "files": [self.files],
        }
        self.way = ipywidgets.Dropdown(options=list(self.ways), description="picture")
        self.way.style.description_width, self.way.layout.width = "initial", "205px"
        self.inputs = ipywidgets.VBox()
        self.box = ipywidgets.VBox([self.way, self.inputs])
        self._observe()

    def _observe(self):
        self.way.observe(self.show_inputs, names="value")
        self.pad.observe(self._on_strokes, names="strokes")
        self.camera.observe(self._on_frame, names="sent")
        self.camera.observe(self._on_switch, names="on")
        self.files.observe(self._on_file, names="sent")
        self.ready.observe(self._on_ready, names="value")

    @shows_errors
    def show_inputs(self, _=None):
        """Shows the inputs of the chosen way, and the drawing that the pad holds."""
        self.inputs.children = self.ways[self.way.value]
        self.panel.recording = None
        self._show_drawing()

    def clear(self, way):
        """Empties the pad, or forgets the files, after their images were added."""
        if way == "draw":
            self.added_strokes, self.pad.strokes = self.pad.strokes, []
        elif way == "files":
            self.panel.show_images([])

    def _show_drawing(self):
        strokes = self.pad.strokes if self.way.value == "draw" else []
        self.panel.show_images([sketches.draw(strokes, self.size)] if strokes else [])

    @shows_errors
    def _on_strokes(self, change):
        n = len(self.added_strokes)
        if 0 < n < len(change["new"]) and change["new"][:n] == self.added_strokes:
            # Begun before the browser heard that the pad is empty.
            self.pad.strokes = change["new"][n:]
        elif self.way.value == "draw":
            self._show_drawing()

    @shows_errors
    def _on_frame(self, _):
        try:
            image, _ = read_picture(self.camera.frame, self.size)
            if self.way.value == "camera":
                self.panel.show_images([image])
                if self.panel.recording:
                    self.panel.add_images(*self.panel.recording, counts=False)
        except UnreadablePicture as error:
            self.say(f"the camera's picture: {error}", is_error=True)
        finally:
            self.camera.seen = self.camera.sent

    @shows_errors
    def _on_switch(self, _):
        self.panel.recording = None

    @shows_errors
    def _on_file(self, _):
        file = self.files
        try:
            if file.number == 0:
                self.arrived, self.problems = [], []
            self._read_file(file)
            if not file.left and self.way.value == "files":
                self.say(_first_five(self.problems), is_error=bool(self.problems))
                self.panel.show_images(self.arrived)
        finally:
            file.seen = file.sent

    def _read_file(self, file):
        try:
            if file.problem:
                raise UnreadablePicture(file.problem)
            self.arrived.append(read_picture(file.content, self.size)[0])
        except UnreadablePicture as error:
            self.problems.append(f"{file.name}: {error}")

    @shows_errors
    def _on_ready(self, _):
        self.another.disabled = not self.ready.value
        if self.ready.value:
            self.n_sketches += 1
            self.pad.strokes = symbols.sketch(self.ready.value, self.n_sketches)


def _first_five(problems):
    more = len(problems) - 5
    return "; ".join(problems[:5]) + (f"; and {more} more" if more > 0 else "")
