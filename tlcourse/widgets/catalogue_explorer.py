"""The catalogue explorer: where a network keeps its parameters, without building it."""

import html

import ipywidgets

from tlcourse import bases, plots
from tlcourse.bases import catalogue
from tlcourse.widgets.view import WRAP, View, picture, told

NONE = "none"
WIDE = {"description_width": "initial"}


class CatalogueExplorer(View):
    """Two menus of networks: what is known of one, or of two side by side.

    Args:
        first: String, a name in `bases.CATALOGUE`.
        second: Another, to compare with, or None.

    Raises:
        ValueError: If the catalogue does not have a name.
    """

    def __init__(self, first="ResNet50", second=None):
        super().__init__()
        self.state = catalogue.Comparison(catalogue.shipped_stages(), first, second)
        names = list(bases.CATALOGUE)
        self.first = ipywidgets.Dropdown(
            options=names, value=first, description="Network", style=WIDE
        )
        self.second = ipywidgets.Dropdown(
            options=[NONE, *names],
            value=second or NONE,
            description="Compare with",
            style=WIDE,
        )
        self.bars, self.facts = ipywidgets.HTML(), ipywidgets.HTML()
        self.first.observe(self._on_first, names="value")
        self.second.observe(self._on_second, names="value")
        menus = ipywidgets.HBox([self.first, self.second], layout=WRAP)
        self.box = ipywidgets.VBox([menus, self.message, self.bars, self.facts])
        self._show()

    @told
    def _on_first(self, change):
        self.state = self.state.with_first(change["new"])
        self._show()

    @told
    def _on_second(self, change):
        second = None if change["new"] == NONE else change["new"]
        self.state = self.state.with_second(second)
        self._show()

    def _show(self):
        names = " and ".join(self.state.names)
        title = f"{names} without the top: parameters by stage"
        ax = plots.stage_bars(self.state.chosen, title)
        self.bars.value = picture(ax, self.state.alt)
        self.facts.value = self._table()
        self.say(self.state.summary)

    def _table(self):
        names = "".join(f'<th scope="col">{name}</th>' for name in self.state.names)
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(told)}</th>'
            + "".join(f"<td>{html.escape(value)}</td>" for value in values)
            + "</tr>"
            for told, values in self.state.facts.items()
        )
        return f"<table><thead><tr><td></td>{names}</tr></thead>{rows}</table>"

    def __repr__(self):
        return str(self.state)

    def _repr_html_(self):
        return f"{self.bars.value}{self.facts.value}"
