"""One class of the teaching panel: its name, its examples, its buttons."""

import html

import ipywidgets

from tlcourse.widgets.thumbnails import thumbnail
from tlcourse.widgets.view import WRAP

SHOWN, SIDE = 12, 36  # thumbnails, and their size on the screen
NONE = -1  # in place of an example's number; None itself would be shown as nothing


class ClassRow:
    """A row that does nothing itself: its owner observes `name`, `add`, `take_out`
    and `drop`.

    Args:
        name: String.
    """

    def __init__(self, name):
        self.called = name
        self.name = ipywidgets.Text(
            name,
            description="class",
            continuous_update=False,
            layout=ipywidgets.Layout(width="260px"),
        )
        wide = ipywidgets.Layout(width="auto")
        self.add = ipywidgets.Button(button_style="primary", layout=wide)
        self.drop = ipywidgets.Button(layout=wide)
        self.take_out = ipywidgets.Dropdown(
            description="take out", layout=ipywidgets.Layout(width="220px")
        )
        self.pictures = ipywidgets.HTML()
        buttons = [self.name, self.add, self.take_out, self.drop]
        buttons = ipywidgets.HBox(buttons, layout=WRAP)
        self.box = ipywidgets.VBox([buttons, self.pictures])

    def show(self, name, images, can_add):
        """Shows what the class holds now.

        Args:
            name: String.
            images: Sequence of uint8 `(h, w, 3)`.
            can_add: Boolean, whether there is a picture to add.
        """
        self.called = self.name.value = name
        self.add.description = f"Add to {name}"
        self.add.disabled = not can_add
        self.drop.description = f"Drop {name}"
        numbers = [(f"example {k + 1}", k) for k in range(len(images))]
        self.take_out.options = [("none", NONE), *numbers]
        self.take_out.value = NONE
        self.take_out.disabled = not numbers
        self.pictures.value = _strip(name, images)


def _strip(name, images):
    n = len(images)
    first = max(0, n - SHOWN)
    shown = "".join(
        thumbnail(image, SIDE, f"{name}, example {k}")
        for k, image in enumerate(images[first:], start=first + 1)
    )
    more = f"the last {SHOWN} of " if first else ""
    plural = "" if n == 1 else "s"
    told = f"{more}{n} example{plural} of {html.escape(name)}"
    return f"<div>{told}</div><div>{shown}</div>"
