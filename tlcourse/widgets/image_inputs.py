"""Widgets that send images from the browser: a sketchpad, the camera, files."""

import pathlib

import anywidget
import traitlets

_HERE = pathlib.Path(__file__).parent


class Sketchpad(anywidget.AnyWidget):
    """A pad to draw on; it has the `strokes` that ended, for `sketches.draw`."""

    _esm = _HERE / "sketchpad.js"
    _css = _HERE / "image_inputs.css"
    strokes = traitlets.List().tag(sync=True)


class _Sender(anywidget.AnyWidget):
    """Counts what it has `sent`, and waits until Python has `seen` as much."""

    _css = _HERE / "image_inputs.css"
    sent = traitlets.Int().tag(sync=True)
    seen = traitlets.Int().tag(sync=True)


class Cards(anywidget.AnyWidget):
    """The classes: `shown` is a dict of plain values, messages say what was pressed."""

    _esm = _HERE / "cards.js"
    _css = _HERE / "image_inputs.css"
    shown = traitlets.Dict({"cards": []}).tag(sync=True)


class Camera(_Sender):
    """The camera: square frames as JPEG, and whether it is on."""

    _esm = _HERE / "camera.js"
    frame = traitlets.CBytes().tag(sync=True)  # what arrives is a memoryview
    on = traitlets.Bool().tag(sync=True)


class FilePicker(_Sender):
    """Files from the learner's disk, one at a time: `number` from 0, `left` to come.

    `content` is the file or a smaller copy; `problem` says why it could not be sent.
    """

    _esm = _HERE / "files.js"
    name = traitlets.Unicode().tag(sync=True)
    content = traitlets.CBytes().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    number = traitlets.Int().tag(sync=True)
    left = traitlets.Int().tag(sync=True)
