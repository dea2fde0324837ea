"""Pictures to touch: each is one ES module, for notebook, page and slide."""

import base64
import json
import pathlib
import re

import anywidget
import ipywidgets
import traitlets

from tlcourse._util import assets
from tlcourse.widgets.view import View

HERE = pathlib.Path(__file__).parent
TEACH = """{
  weights: async () =>
    Uint8Array.from(atob(await needed("glyphs_base")), (each) => each.charCodeAt(0)),
  drawings: () => needed("drawings"),
}"""
IMPORT = re.compile(r'^import .* from "\./(\w+\.js)";\n', re.MULTILINE)


def one_module(name):
    """The text of `name`, with the modules that it imports written into it."""
    text = (HERE / name).read_text("utf-8")
    imported = [one_module(other) for other in IMPORT.findall(text)]
    return "\n".join([*map(_without_exports, imported), IMPORT.sub("", text)])


def _without_exports(text):
    return re.sub(r"^export (default .*\n)?", "", text, flags=re.MULTILINE)


def teach_script():
    """A script that shows "Teach it" wherever a page has `data-picture="teach"`."""
    page = (HERE / "page.js").read_text("utf-8")
    text = _without_exports(one_module("teach.js")) + page
    return f'(() => {{\n{text}show("teach", render, {TEACH});\n}})();\n'


def teach_data():
    """dict, name of a script to its text: what `teach_script` asks for."""
    packed = base64.b64encode(assets.shipped("glyphs_base.bin").read_bytes()).decode()
    drawings = assets.shipped("drawings.json").read_text("utf-8")
    form = "(globalThis.tlData ??= {{}}).{} = {};\n".format
    return {
        "glyphs_base.js": form("glyphs_base", f'"{packed}"'),
        "drawings.js": form("drawings", drawings),
    }


class _Teach(anywidget.AnyWidget):
    _esm = one_module("teach.js")
    _css = HERE / "pictures.css"
    weights = traitlets.Bytes().tag(sync=True)
    drawings = traitlets.Dict().tag(sync=True)
    seed = traitlets.Int(None, allow_none=True).tag(sync=True)


class Teach(View):
    """Draw two symbols, name them, and see who names the next one: all in the browser.

    The trained base of the glyphs track, the same with random weights, and raw pixels
    judge each drawing before it is told. It needs no kernel once it is shown.

    Args:
        seed: Integer, for the same colours and places again; None for others.
    """

    def __init__(self, seed=None):
        super().__init__()
        self.box = ipywidgets.VBox()
        self.box.children = [
            _Teach(
                weights=assets.shipped("glyphs_base.bin").read_bytes(),
                drawings=json.loads(assets.shipped("drawings.json").read_text("utf-8")),
                seed=seed,
            )
        ]

    def __repr__(self):
        return (
            "Teach it in ten seconds: a pad to draw on, two cards to name, and three "
            "counters, of the trained base, a random base, and raw pixels."
        )

    def _repr_html_(self):
        return f'<div data-picture="teach"><p>{self!r}</p></div>'
