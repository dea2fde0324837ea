"""The catalogue explorer: where networks have their parameters; none is built."""

import html

import ipywidgets

from tlcourse import bases, plots
from tlcourse.bases import catalogue
from tlcourse.widgets.explorer import Explorer
from tlcourse.widgets.html_images import figure_html
from tlcourse.widgets.view import menu

NONE = "none"


class CatalogueExplorer(Explorer):
    """Two menus of networks: what is known about one, or about two side by side.

    Args:
        first: String, a name in `bases.CATALOGUE`.
        second: Another, to compare with, or None.

    Raises:
        ValueError: If the catalogue does not have a name.
    """

    def __init__(self, first="ResNet50", second=None):
        self.state = catalogue.Comparison(catalogue.shipped_stages(), first, second)
        names = list(bases.CATALOGUE)
        self.first = menu("Network", names, first)
        self.second = menu("Compare with", [NONE, *names], second or NONE)
        self.bars, self.facts = ipywidgets.HTML(), ipywidgets.HTML()
        super().__init__([self.first, self.second], [self.bars, self.facts])

    def choose(self):
        """Takes both networks from the menus."""
        second = None if self.second.value == NONE else self.second.value
        stages = self.state.stages
        self.state = catalogue.Comparison(stages, self.first.value, second)

    def draw(self):
        """Draws parameters by stage, with a table of facts."""
        names = " and ".join(self.state.names)
        chosen = {name: self.state.stages[name] for name in self.state.names}
        title = f"{names} without the top: parameters by stage"
        ax = plots.stage_bars(chosen, title)
        self.bars.value = figure_html(ax, self.state.alt)
        self.facts.value = self._table()
        return self.state.summary

    def _table(self):
        names = "".join(f'<th scope="col">{name}</th>' for name in self.state.names)
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(fact)}</th>'
            + "".join(f"<td>{html.escape(value)}</td>" for value in values)
            + "</tr>"
            for fact, values in self.state.facts.items()
        )
        return f"<table><thead><tr><td></td>{names}</tr></thead>{rows}</table>"
