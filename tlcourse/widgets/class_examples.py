"""One class of the teaching panel: its name, its examples, its buttons."""

import ipywidgets

from tlcourse.widgets.html_images import as_text, thumbnail
from tlcourse.widgets.view import WRAP, button

SHOWN, SIDE = 12, 36  # thumbnails, and their size on the screen


class ClassExamples:
    """The row of a class; its clicks go to the panel's `act`."""

    def __init__(self, panel, class_name):
        self.class_name = class_name
        self.name = ipywidgets.Text(class_name, description="class")
        self.name.continuous_update = False
        self.example = ipywidgets.Dropdown(description="example")
        for each, width in ((self.name, "170px"), (self.example, "150px")):
            each.style.description_width, each.layout.width = "auto", width
        self.name.observe(lambda _: panel.act(panel.rename, self), names="value")
        self.add = button("Add", lambda _: panel.act(panel.add, self))
        self.add.button_style = "primary"
        self.take_out = button("Take out", lambda _: panel.act(panel.take_out, self))
        self.drop = button("Drop", lambda _: panel.act(panel.drop, self))
        self.pictures = ipywidgets.HTML()
        row = [self.name, self.add, self.example, self.take_out, self.drop]
        self.box = ipywidgets.VBox([ipywidgets.HBox(row, layout=WRAP), self.pictures])

    def show(self, name, images, can_add):
        """Shows the name and the images, uint8 `(h, w, 3)`, of the class."""
        self.class_name = self.name.value = name
        self.add.description, self.add.disabled = f"Add to {name}", not can_add
        self.drop.description = f"Drop {name}"
        self.take_out.description = f"Take out of {name}"
        self.example.options = [(f"{name} {k + 1}", k) for k in range(len(images))]
        self.example.value = len(images) - 1 if images else None
        self.example.disabled = self.take_out.disabled = not images
        self.pictures.value = _thumbnails(name, images)


def _thumbnails(name, images):
    n, first = len(images), max(0, len(images) - SHOWN)
    shown = "".join(
        thumbnail(image, SIDE, f"{name}, example {k}")
        for k, image in enumerate(images[first:], start=first + 1)
    )
    more = f"the last {SHOWN} of " if first else ""
    caption = f"{more}{n} example{'s' * (n != 1)} of {as_text(name)}"
    return f"<div>{caption}</div><div>{shown}</div>"
