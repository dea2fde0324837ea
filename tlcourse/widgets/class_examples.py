"""One class of the teaching panel: its name, its examples, its buttons."""

import html

import ipywidgets

from tlcourse.widgets.html_images import thumbnail
from tlcourse.widgets.view import WRAP

SHOWN, SIDE = 12, 36  # thumbnails, and their size on the screen
SHORT = {"description_width": "auto"}


class ClassExamples:
    """A row without callbacks: the panel observes `name` and the three buttons."""

    def __init__(self, class_name):
        self.class_name = class_name
        self.name = ipywidgets.Text(
            class_name,
            description="class",
            continuous_update=False,
            style=SHORT,
            layout={"width": "170px"},
        )
        self.example = ipywidgets.Dropdown(
            description="example", style=SHORT, layout={"width": "150px"}
        )
        wide = {"width": "auto"}
        self.add = ipywidgets.Button(button_style="primary", layout=wide)
        self.take_out = ipywidgets.Button(layout=wide)
        self.drop = ipywidgets.Button(layout=wide)
        self.pictures = ipywidgets.HTML()
        row = [self.name, self.add, self.example, self.take_out, self.drop]
        self.box = ipywidgets.VBox([ipywidgets.HBox(row, layout=WRAP), self.pictures])

    def show(self, name, images, can_add):
        """Shows the name and the images, uint8 `(h, w, 3)`, of the class."""
        self.class_name = self.name.value = name
        self.add.description = f"Add to {name}"
        self.add.disabled = not can_add
        self.drop.description = f"Drop {name}"
        self.take_out.description = f"Take out of {name}"
        last = len(images) - 1
        self.example.options = [(f"{name} {k + 1}", k) for k in range(len(images))]
        self.example.value = last if images else None
        self.example.disabled = self.take_out.disabled = not images
        self.pictures.value = _thumbnails(name, images)


def _thumbnails(name, images):
    n = len(images)
    first = max(0, n - SHOWN)
    shown = "".join(
        thumbnail(image, SIDE, f"{name}, example {k}")
        for k, image in enumerate(images[first:], start=first + 1)
    )
    more = f"the last {SHOWN} of " if first else ""
    plural = "" if n == 1 else "s"
    caption = f"{more}{n} example{plural} of {html.escape(name)}"
    return f"<div>{caption}</div><div>{shown}</div>"
