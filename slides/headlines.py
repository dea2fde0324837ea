"""The deck's figures of lesson 01: what the headlines say, and what it would cost."""

import canvas
import numpy as np

from tlcourse import plots

# Brown et al. 2020, tables 2.1 and 2.2: name to parameters in millions.
SIZES = {"Small": 125, "Medium": 350, "Large": 760, "XL": 1300, "2.7B": 2700}
SIZES |= {"6.7B": 6700, "13B": 13_000, "175B": 175_000}
# Source to tokens in billions and share of what was read; in order, its epochs.
MIX = {
    "Common Crawl": (410, 0.60),
    "WebText2": (19, 0.22),
    "Books1": (12, 0.08),
    "Books2": (55, 0.08),
    "Wikipedia": (3, 0.03),
}
PUBLISHED = (0.44, 2.9, 1.9, 0.43, 3.4)
TOKENS = 300e9
SPEED = 200e9  # a stated round figure; lesson 01 measures the real one
YEAR = 365 * 24 * 3600


def gpt3_sizes():
    """GPT-3 in eight sizes."""
    ax = canvas.axes()
    return plots.bars(SIZES, "", "parameters, millions", log=True, ax=ax)


def gpt3_epochs():
    """How often each source was read: as we count, and as published."""
    ax, places = canvas.axes(), np.arange(len(MIX))
    ours = [TOKENS / 1e9 * share / tokens for tokens, share in MIX.values()]
    rows = (("300 x share / tokens", ours, plots.BLUE, ""),)
    rows += (("as published", PUBLISHED, plots.ORANGE, "//"),)
    for shift, (label, values, colour, hatch) in zip((-0.2, 0.2), rows, strict=True):
        style = {"color": colour, "hatch": hatch, "edgecolor": "white"}
        drawn = ax.barh(places + shift, values, 0.4, label=label, **style)
        ax.bar_label(drawn, [f"{value:.2f}" for value in values], padding=4)
    ax.set_yticks(places, MIX)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set_xlabel("epochs")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="center right")
    return ax


def work():
    """dict, network to the additions and multiplications of its training."""
    flop = {name: 6 * size * 1e6 * TOKENS for name, size in SIZES.items()}
    # 90 times through 1.28 million images; forward and back is three times forward.
    return flop | {"ResNet50": 90 * 1.28e6 * 3 * 8.2e9}


def years_needed():
    """dict, network to the years that one computer would need."""
    return {name: flop / SPEED / YEAR for name, flop in work().items()}


def years():
    """How long one computer would need."""
    ax = plots.bars(years_needed(), "", "years", log=True, ax=canvas.axes(height=5.4))
    marks = ((1 / 12, "month"), (1, "year"), (80, "life"), (4500, "pyramids"))
    for x, name in marks:
        ax.axvline(x, color="black", linestyle=":", linewidth=1.5)
        ax.text(x, -0.7, name, ha="center", va="bottom")
    ax.set_xlim(0.03, 6e5)
    _on_white(ax.texts)
    return ax


def _on_white(texts):
    """So that lines behind the texts do not cross them."""
    for text in texts:
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
