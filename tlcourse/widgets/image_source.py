"""Where the teaching panel gets its images: a sketchpad, the camera, or files."""

import ipywidgets

from tlcourse.data import sketches, symbols
from tlcourse.data.pictures import UnreadablePicture, read_picture
from tlcourse.widgets.image_inputs import Camera, FilePicker, Sketchpad
from tlcourse.widgets.view import WRAP, View, shows_errors

WAYS = ("draw", "camera", "files")
FRAMES = [("1 frame", 1), ("5 frames", 5), ("20 frames", 20)]


class ImageSource(View):
    """A menu of inputs, and the chosen one, with the panel's message and lock.

    The panel's `show_images` gets each new list of images, uint8 `(h, w, 3)` of the
    classifier's size; its `stop_recording` is called when no more frames will come.
    """

    def __init__(self, panel, size):
        super().__init__()
        self.panel, self.size = panel, size
        self.message, self.lock = panel.message, panel.lock
        self.n_sketches = 0
        self.added_strokes = []  # of the last example, while the pad empties
        self.way = ipywidgets.Dropdown(options=WAYS, description="picture")
        self.pad, self.camera, self.files = Sketchpad(), Camera(), FilePicker()
        self.frames = ipywidgets.Dropdown(options=FRAMES, description="per press")
        names = [("choose ...", ""), *((name, name) for name in symbols.SYMBOLS)]
        self.ready = ipywidgets.Dropdown(options=names, description="ready-made")
        self.another = ipywidgets.Button(description="Another one", disabled=True)
        self.inputs = ipywidgets.VBox()
        self.box = ipywidgets.VBox([self.way, self.inputs])
        self._observe()

    def _observe(self):
        self.way.observe(self._on_way, names="value")
        self.pad.observe(self._on_strokes, names="strokes")
        self.camera.observe(self._on_frame, names="sent")
        self.camera.observe(self._on_switch, names="on")
        self.files.observe(self._on_file, names="sent")
        self.ready.observe(self._on_ready, names="value")
        self.another.on_click(self._on_ready)

    @property
    def frames_per_press(self):
        """How many images one press adds, more than 1 with the camera only."""
        return self.frames.value if self.way.value == "camera" else 1

    def show_inputs(self):
        """Shows the inputs of the chosen way, and the drawing that the pad holds."""
        ready = ipywidgets.HBox([self.ready, self.another], layout=WRAP)
        shown = {
            "draw": [self.pad, ready],
            "camera": [self.camera, self.frames],
            "files": [self.files],
        }
        self.inputs.children = shown[self.way.value]
        self.panel.stop_recording()
        self.panel.show_images(self._drawn() if self.way.value == "draw" else [])

    def clear(self, way):
        """Empties the pad, or forgets the files, after their images were added."""
        if way == "draw":
            self.added_strokes, self.pad.strokes = self.pad.strokes, []
        elif way == "files":
            self.panel.show_images([])

    def _drawn(self):
        strokes = self.pad.strokes
        return [sketches.draw(strokes, self.size)] if strokes else []

    @shows_errors
    def _on_way(self, _):
        self.show_inputs()

    @shows_errors
    def _on_strokes(self, change):
        n = len(self.added_strokes)
        if 0 < n < len(change["new"]) and change["new"][:n] == self.added_strokes:
            # Begun before the browser heard that the pad is empty.
            self.pad.strokes = change["new"][n:]
        elif self.way.value == "draw":
            self.panel.show_images(self._drawn())

    @shows_errors
    def _on_frame(self, _):
        try:
            image, _ = read_picture(self.camera.frame, self.size)
            if self.way.value == "camera":
                self.panel.show_images([image])
                self.panel.record_frame()
        except UnreadablePicture as error:
            self.say(f"the camera's picture: {error}", is_error=True)
        finally:
            self.camera.seen = self.camera.sent

    @shows_errors
    def _on_switch(self, _):
        self.panel.stop_recording()

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
