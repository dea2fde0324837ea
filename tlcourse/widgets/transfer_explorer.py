"""The transfer explorer: one point of Yosinski's figure, and how it was measured."""

import ipywidgets

from tlcourse.widgets.explorer import Explorer, menu
from tlcourse.widgets.html_images import figure_html
from tlcourse.yosinski import figures, results

ALL = -1  # a menu shows nothing where its value is None
SPLITS = {"near": "near: halves at random"}
SPLITS["far"] = "far: East Asia, then Europe and the Middle East"


class TransferExplorer(Explorer):
    """A slider for the layers copied; menus: from where, which halves, which seed.

    Args:
        curves: dict, split to `results.Curves`, or None for the shipped.
    """

    def __init__(self, curves=None):
        self.state = state = results.Point(curves or results.shipped())
        seeds = range(len(state.split_curves.base))
        cuts = [(f"{n}", n) for n in results.CUTS]
        splits = [(SPLITS.get(name, name), name) for name in state.curves]
        treated = [
            (f"{source}, {'frozen' if frozen else 'fine-tuned'}", name)
            for name, (source, frozen) in sorted(results.TREATMENTS.items())
        ]
        each = [("mean of all", ALL), *((f"{seed}", seed) for seed in seeds)]
        self.cut = ipywidgets.SelectionSlider(
            options=cuts, value=state.cut, description="Layers copied"
        )
        self.cut.style.description_width = "initial"
        self.treated = menu("From", treated, state.treatment)
        self.split = menu("Halves", splits, state.split)
        self.seed = menu("Division", each, ALL)
        self.picture = ipywidgets.HTML()
        menus = [self.cut, self.treated, self.split, self.seed]
        super().__init__(menus, [self.picture])

    def _draw(self):
        seed = None if self.seed.value == ALL else self.seed.value
        chosen = self.split.value, self.treated.value, self.cut.value, seed
        self.state = results.Point(self.state.curves, *chosen)
        self.picture.value = figure_html(figures.point(self.state), str(self.state))
        return " ".join(self.state.sentences)
