"""The catalogue explorer: where networks have their parameters; none is built."""

import ipywidgets

from tlcourse import bases, plots
from tlcourse.bases import catalogue
from tlcourse.widgets.explorer import Explorer, menu
from tlcourse.widgets.html_images import figure_html, table

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

    def _draw(self):
        second = None if self.second.value == NONE else self.second.value
        stages = self.state.stages
        self.state = state = catalogue.Comparison(stages, self.first.value, second)
        title = f"{' and '.join(state.names)} without the top: parameters by stage"
        ax = plots.stage_bars({name: stages[name] for name in state.names}, title)
        self.bars.value = figure_html(ax, state.alt)
        rows = [(told, *row) for told, row in state.facts.items()]
        self.facts.value = table(rows, state.names)
        return state.summary
