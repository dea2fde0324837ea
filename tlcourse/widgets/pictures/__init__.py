"""Pictures to touch: each is one ES module, for notebook, page and slide."""

import base64
import functools
import json
import pathlib
import re

import anywidget
import ipywidgets
import traitlets

from tlcourse._util import assets
from tlcourse.widgets.view import View

HERE = pathlib.Path(__file__).parent
# What each picture has to get, as a page gets it: from scripts, when it is asked for.
ON_A_PAGE = {
    "teach": """{
  weights: async () =>
    Uint8Array.from(atob(await needed("glyphs_base")), (each) => each.charCodeAt(0)),
  drawings: () => needed("drawings"),
}""",
    "prompt": """{
  weights: async () =>
    Uint8Array.from(atob(await needed("gpt_base")), (each) => each.charCodeAt(0)),
}""",
    "labels": '{ data: () => needed("label_curves") }',
    "freeze": '{ shown: () => needed("freeze_line") }',
    "forget": '{ data: () => needed("forgetting") }',
    "cut": '{ data: () => needed("depths") }',
}
IMPORT = re.compile(r'^import .* from "\./(\w+\.js)";\n', re.MULTILINE)


def one_module(name):
    """The text of `name`, with the modules that it imports written into it."""
    text = (HERE / name).read_text("utf-8")
    imported = [one_module(other) for other in IMPORT.findall(text)]
    return "\n".join([*map(_without_exports, imported), IMPORT.sub("", text)])


def _without_exports(text):
    return re.sub(r"^export (default .*\n)?", "", text, flags=re.MULTILINE)


def script(name):
    """A script that shows a picture wherever a page has its name as `data-picture`."""
    page = (HERE / "page.js").read_text("utf-8")
    text = _without_exports(one_module(f"{name}.js")) + page
    return f'(() => {{\n{text}putOnPage("{name}", render, {ON_A_PAGE[name]});\n}})();\n'


def page_files():
    """dict, name to text of what pages with pictures need beside them."""
    texts = {}
    for name in ("glyphs_base", "gpt_base"):
        packed = base64.b64encode(assets.shipped(f"{name}.bin").read_bytes()).decode()
        texts[name] = f'"{packed}"'
    for name in ("drawings", "label_curves", "freeze_line", "forgetting", "depths"):
        texts[name] = assets.shipped(f"{name}.json").read_text("utf-8").strip()
    form = "(globalThis.tlData ??= {{}}).{} = {};\n".format
    data = {f"{name}.js": form(name, text) for name, text in texts.items()}
    scripts = {f"{name}.js": script(name) for name in ON_A_PAGE}
    return {**scripts, **data, "pictures.css": (HERE / "pictures.css").read_text()}


def shipped_json(name):
    """What a JSON file of the course holds."""
    return json.loads(assets.shipped(name).read_text("utf-8"))


@functools.cache
def widget_class(name, *traits):
    """The class of the widget that shows a picture; its traits go to the browser."""
    parts = {"_esm": one_module(f"{name}.js"), "_css": HERE / "pictures.css"}
    parts |= {each: traitlets.Any().tag(sync=True) for each in traits}
    return type(f"_{name.title()}", (anywidget.AnyWidget,), parts)


class Picture(View):
    """A picture in a notebook, and where it goes on a page."""

    name = said = ""

    def __init__(self, **values):
        super().__init__()
        self.box = ipywidgets.VBox([widget_class(self.name, *values)(**values)])

    def __repr__(self):
        return self.said

    def _repr_html_(self):
        return f'<div data-picture="{self.name}"><p>{self.said}</p></div>'


class Teach(Picture):
    """Draw two symbols, name them, and see who names the next one: all in the browser.

    The trained base of the glyphs track, the same with random weights, and raw pixels
    judge each drawing before it is told. It needs no kernel once it is shown.

    Args:
        seed: Integer, for the same colours and places again; None for others.
    """

    name = "teach"
    said = (
        "Teach it in ten seconds: a pad to draw on, two cards to name, and three "
        "counters, of the trained base, a random base, and raw pixels."
    )

    def __init__(self, seed=None):
        weights = assets.shipped("glyphs_base.bin").read_bytes()
        drawings = shipped_json("drawings.json")
        super().__init__(weights=weights, drawings=drawings, seed=seed)


class Prompt(Picture):
    """Type a prompt: what might come next, before and after some of Keras was shown.

    The small GPT of lesson 15 runs in the browser, with what LoRA learnt from 2,000,
    20,000 and 200,000 characters. It needs no kernel once it is shown.
    """

    name = "prompt"
    said = (
        "Type a prompt: the pieces that a small GPT expects next, before and after it "
        "was shown some characters of Keras, and a dial for how many."
    )

    def __init__(self):
        super().__init__(weights=assets.shipped("gpt_base.bin").read_bytes())


class MeasuredPicture(Picture):
    """A picture of what was measured before, which needs no kernel."""

    file = ""

    def __init__(self):
        super().__init__(data=shipped_json(f"{self.file}.json"))


class LabelSlider(MeasuredPicture):
    """Draw the curve that you expect, then drag the number of labels: it was measured.

    Trained base, random base, raw pixels and training from scratch, on the near task
    and the far one of the glyphs track, five draws each. It needs no kernel.
    """

    name, file = "labels", "label_curves"
    said = (
        "Label slider: a chart for the curve that you expect, and the measured ones by "
        "labels per class, of the trained base and its controls, near task and far."
    )


class ForgettingDial(MeasuredPicture):
    """Turn the learning rate, drag the steps: a base dissolves while the loss falls.

    The base of the glyphs track with a trained head, tuned on five digits of each
    class, BatchNormalization in inference mode. It was measured, and needs no kernel.
    """

    name, file = "forget", "forgetting"
    said = (
        "Forgetting dial: learning rate and steps to drag; filters, neighbours, and "
        "what is right of the training images, of new ones and of the base's own task."
    )


class Cut(MeasuredPicture):
    """Drag a knife along the base: what it has computed so far finds the neighbours.

    The base and the validation images of the glyphs track. It needs no kernel.
    """

    name, file = "cut", "depths"
    said = (
        "The cut: a knife to drag along the network, the maps before it, the nearest "
        "images, and a map of all images on which the classes come apart with depth."
    )
