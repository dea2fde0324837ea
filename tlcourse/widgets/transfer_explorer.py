"""The transfer explorer: one point of Yosinski's figure, and what was done for it."""

import html

import ipywidgets

from tlcourse.widgets.view import WRAP, View, picture, told
from tlcourse.yosinski import figures, results

ALL = -1  # a menu shows nothing where its value is None
WIDE = {"description_width": "initial"}
TREATED = [
    ("A, frozen", ("A", True)),
    ("A, fine-tuned", ("A", False)),
    ("B, frozen", ("B", True)),
    ("B, fine-tuned", ("B", False)),
    ("random, frozen", ("random", True)),
]
SPLITS = {"near": "near: halves at random", "far": "far: East Asia, then the West"}


class TransferExplorer(View):
    """Four menus: how many layers, from where, which halves, which seed.

    Args:
        curves: dict, split to `transfer_curves.Curves`, or None for the shipped.
    """

    def __init__(self, curves=None):
        super().__init__()
        self.state = results.Point(curves or results.shipped())
        state, seeds = self.state, range(len(self.state.of.base))
        cuts = [(f"{n}", n) for n in results.CUTS]
        splits = [(SPLITS.get(name, name), name) for name in state.curves]
        each = [("mean of all", ALL), *((f"{seed}", seed) for seed in seeds)]
        self.cut = _menu("Layers copied", cuts, state.cut)
        self.treated = _menu("From", TREATED, (state.source, state.frozen))
        self.split = _menu("Halves", splits, state.split)
        self.seed = _menu("Seed", each, ALL)
        menus = [self.cut, self.treated, self.split, self.seed]
        for menu in menus:
            menu.observe(self._on_choice, names="value")
        self.picture = ipywidgets.HTML()
        row = ipywidgets.HBox(menus, layout=WRAP)
        self.box = ipywidgets.VBox([row, self.message, self.picture])
        self._show()

    @told
    def _on_choice(self, _):
        source, frozen = self.treated.value
        self.state = self.state.with_(
            source=source,
            frozen=frozen,
            cut=self.cut.value,
            split=self.split.value,
            seed=None if self.seed.value == ALL else self.seed.value,
        )
        self._show()

    def _show(self):
        ax = figures.point(self.state)
        self.picture.value = picture(ax, self.state.alt)
        self.say(" ".join(self.state.sentences))

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        said = html.escape(" ".join(self.state.sentences))
        return f"<p>{said}</p>{self.picture.value}"


def _menu(description, options, value):
    return ipywidgets.Dropdown(
        options=options,
        value=value,
        description=description,
        style=WIDE,
        layout=ipywidgets.Layout(width="auto"),
    )
