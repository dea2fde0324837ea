"""Where the deck's figures are drawn and kept: large type, the same bytes each time.

A slide is 1280 by 720 pixels. A figure of w by h inches takes 96 w by 96 h of them,
and type of 18 points is 24 pixels high.
"""

import contextlib
import json
import pathlib

import matplotlib

FOLDER = pathlib.Path(__file__).resolve().parent / "figures"
SMALLEST = 18  # points
LARGEST = (12.0, 5.5)  # inches that a slide has room for
STYLE = {
    "font.size": SMALLEST,
    "axes.titlesize": SMALLEST,
    "legend.fontsize": SMALLEST,
    "xtick.labelsize": SMALLEST,
    "ytick.labelsize": SMALLEST,
    "lines.linewidth": 2.5,
    "lines.markersize": 9,
    "svg.hashsalt": "transfer learning",
    "figure.facecolor": "white",
}
PNG_DOTS = 144  # an inch


@contextlib.contextmanager
def style():
    """Draws everything inside with the deck's type and without a window."""
    matplotlib.use("agg")
    with matplotlib.rc_context(STYLE):
        yield


def axes(width=11.5, height=5.0, **options):
    """Axes of a new figure, size in inches; an array if `options` ask for several."""
    import matplotlib.pyplot as plt

    size = (width, height)
    return plt.subplots(figsize=size, layout="constrained", **options)[1]


def enlarge(figure):
    """Brings small type up to what can be read from the last row."""
    for text in figure.findobj(matplotlib.text.Text):
        text.set_fontsize(max(SMALLEST, text.get_fontsize()))


def save(figure, name, folder=FOLDER):
    """Writes a figure as SVG or, with photographs, PNG: the ending of `name` says it.

    Refuses one that is larger than a slide, or has a text that is cut off.
    """
    import matplotlib.pyplot as plt

    width, height = figure.get_size_inches()
    if width > LARGEST[0] or height > LARGEST[1]:
        raise ValueError(
            f"Expected at most {LARGEST} inches. Received: {name}, {width} x {height}"
        )
    enlarge(figure)
    _check_edges(figure, name)
    path = pathlib.Path(folder, name)
    if path.suffix == ".png":
        keep = {"Software": None}
        figure.savefig(path, dpi=PNG_DOTS, metadata=keep)
    else:
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        text = path.read_text("utf-8")
        path.write_text("\n".join(x.rstrip() for x in text.split("\n")), "utf-8")
    plt.close(figure)


def _check_edges(figure, name):
    """Refuses a text that reaches over the edge."""
    figure.draw_without_rendering()
    whole = figure.bbox.padded(1)
    for ax in figure.axes:
        for text in (*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label):
            box = text.get_window_extent()
            inside = whole.x0 <= box.x0 and box.x1 <= whole.x1
            inside &= whole.y0 <= box.y0 and box.y1 <= whole.y1
            if text.get_text() and not inside:
                raise ValueError(
                    f"Expected texts inside the figure. Received: {text.get_text()!r} "
                    f"at the edge of {name}"
                )


def write_json(values, folder=FOLDER):
    """Writes the deck's numbers, a dict of strings, beside its figures."""
    text = json.dumps(values, indent=1, ensure_ascii=False, sort_keys=True)
    pathlib.Path(folder, "numbers.json").write_text(text + "\n", "utf-8")
