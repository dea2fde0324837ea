"""Where pictures come from: a pad to draw on, the camera, files of the learner's."""

import pathlib

import anywidget
import traitlets

from tlcourse.data.pictures import UnreadablePicture, read_picture

_HERE = pathlib.Path(__file__).parent


class Sketchpad(anywidget.AnyWidget):
    """A pad to draw on with mouse, pen or finger.

    Attributes:
        strokes: list of strokes as `sketches.draw` takes them. It changes when a
            stroke ends; an empty list clears the pad.
    """

    _esm = _HERE / "sketchpad.js"
    _css = _HERE / "inputs.css"
    strokes = traitlets.List().tag(sync=True)


class Camera(anywidget.AnyWidget):
    """The camera, where the browser allows it.

    Attributes:
        frame: bytes, the last frame as JPEG, a square.
        sent: Integer, grows with each frame.
        seen: Integer; the camera waits with the next frame until it is `sent`.
        on: Boolean, whether it is on; the browser says so.
    """

    _esm = _HERE / "camera.js"
    _css = _HERE / "inputs.css"
    frame = traitlets.CBytes().tag(sync=True)  # what arrives is a memoryview
    sent = traitlets.Int().tag(sync=True)
    seen = traitlets.Int().tag(sync=True)
    on = traitlets.Bool().tag(sync=True)


class FilePicker(anywidget.AnyWidget):
    """Pictures from the learner's disk, one after the other.

    Attributes:
        name: String, the file's.
        content: bytes of the file, or of a smaller copy.
        problem: String, why it could not be sent; else empty.
        number: Integer, its position among those that were chosen together.
        left: Integer, how many of those are still to come.
        sent: Integer, grows with each file.
        seen: Integer; the next file waits until it is `sent`.
    """

    _esm = _HERE / "files.js"
    _css = _HERE / "inputs.css"
    name = traitlets.Unicode().tag(sync=True)
    content = traitlets.CBytes().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    number = traitlets.Int().tag(sync=True)
    left = traitlets.Int().tag(sync=True)
    sent = traitlets.Int().tag(sync=True)
    seen = traitlets.Int().tag(sync=True)


def read_pictures(files, size):
    """Reads what can be read.

    Args:
        files: Sequence of pairs: name, bytes.
        size: `(height, width)` wanted, pixels.

    Returns:
        list of uint8 `(height, width, 3)`, and a list of strings: which files gave
        no picture, and why.
    """
    images, problems = [], []
    for name, content in files:
        try:
            images.append(read_picture(content, size)[0])
        except UnreadablePicture as error:
            problems.append(f"{name}: {error}")
    return images, problems
