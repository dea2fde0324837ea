"""What a figure shows, in words, for those who do not see it.

JupyterLab gives a PNG no alternative text. So `tlcourse.start` makes Jupyter show a
figure as HTML, too: the same picture, with these words.
"""

import base64
import html

import numpy as np

from tlcourse.plots.style import has_names, number, sharp_png

MOST = 12  # items of a list that are worth reading out


def describe(figure):
    """Says what a matplotlib figure shows: titles, axes, numbers or how they run."""
    return " ".join(filter(None, map(_describe, figure.axes))) or "An empty figure."


def show_in_jupyter():
    """Shows figures with these words from now on; outside Jupyter it does nothing."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        formatter = shell.display_formatter.mimebundle_formatter
        formatter.for_type_by_name("matplotlib.figure", "Figure", mime_bundle)


def mime_bundle(figure):
    """Two dicts for Jupyter: the picture as HTML with its words, and PNG metadata."""
    (png, width), words = sharp_png(figure), describe(figure)
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    fits = f'width="{width}" style="max-width: 100%; height: auto"'
    image = f'<img alt="{html.escape(words)}" {fits} src="{source}">'
    return {"text/html": image}, {"image/png": {"alt": words}}


def _describe(ax):
    if ax.get_label() == "<colorbar>":
        return f"Colour: {ax.get_ylabel()}."
    titles = (ax.get_title(place) for place in ("left", "center", "right"))
    parts = [title.rstrip(".:") for title in titles]
    if not ax.axison:
        parts.append(_pictures(ax))
    else:
        parts += [_scales(ax), _bars(ax), _lines(ax), _points(ax)]
        parts.append(_table(ax) if ax.images else _notes(ax))
    return " ".join(f"{each}." for each in parts if each).replace("?.", "?")


def _scales(ax):
    named = []
    for way, axis in (("Across:", ax.xaxis), ("up:", ax.yaxis)):
        if axis.get_label_text():
            scale = ", logarithmic" if axis.get_scale() == "log" else ""
            named.append(f"{way} {axis.get_label_text()}{scale}")
    return "; ".join(named)


def _listed(items, mark=", "):
    rest = len(items) - MOST
    more = [f"and {rest:,} more"] if rest > 0 else []
    return mark.join([*items[:MOST], *more])


def _tick_names(axis):
    """dict, a tick's place to its name, where ticks have names."""
    if not has_names(axis):
        return {}
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return dict(zip(map(float, axis.get_ticklocs()), texts, strict=True))


def _words(texts):
    words = (" ".join(text.get_text().split()) for text in texts)
    return _listed(list(filter(None, words)))


def _pictures(ax):
    count = len(ax.images)
    many = f"{count} picture{'s' * (count > 1)}" if count else ""
    return " with the words ".join(filter(None, (many, _words(ax.texts))))


def _containers(ax, kind):
    return [group for group in ax.containers if hasattr(group, kind)]


def _labelled(artist, text, mark=": "):
    label = str(artist.get_label())
    named = label and not label.startswith("_")
    return label.strip() + mark + text if named else text


def _bars(ax):
    parts = []
    for bars in _containers(ax, "patches"):
        flat = bars.orientation == "horizontal"
        names, items = _tick_names(ax.yaxis if flat else ax.xaxis), []
        for bar, length in zip(bars, bars.datavalues, strict=True):
            name = names.get(round(bar.get_center()[1 if flat else 0]))
            items.append(f"{name}: {number(length)}" if name else number(length))
        parts.append(_labelled(bars, _listed(items, "; "), ", "))
    return ". ".join(parts)


def _lines(ax):
    spreads, found = _containers(ax, "has_yerr"), []
    caps = {cap for spread in spreads for cap in spread.lines[1]}
    named = {spread.lines[0]: spread for spread in spreads}
    for line in (line for line in ax.lines if line not in caps):
        if line.get_transform() == ax.transData:
            found.append(_labelled(named.get(line, line), _values(ax, line)))
        elif not str(line.get_label()).startswith("_"):  # a rule across the figure
            found.append(_labelled(line, number(line.get_ydata()[0])))
    return "; ".join(found)


def _values(ax, line):
    """A line's points if they are few; else where it begins, ends and goes."""
    x, y = (np.asarray(v, float) for v in line.get_data(orig=False))
    names = _tick_names(ax.xaxis)
    places = [names.get(place, number(place)) for place in x]
    at = [f"{number(b)} at {place}" for place, b in zip(places, y, strict=True)]
    if len(at) <= 8:
        return ", ".join(at)
    if line.get_linestyle() == "None":
        return f"{len(at):,} points"
    low, high = number(np.nanmin(y)), number(np.nanmax(y))
    return f"from {at[0]} to {at[-1]}, lowest {low}, highest {high}"


def _points(ax):
    clouds = (c for c in ax.collections if type(c).__name__ == "PathCollection")
    count = sum(len(each.get_offsets()) for each in clouds)
    return f"{count:,} points" if count else ""


def _table(ax):
    """The numbers in the cells of a heat map, row by row."""
    rows, columns, lines = _tick_names(ax.yaxis), _tick_names(ax.xaxis), {}
    for text in ax.texts:
        x, y = text.get_position()
        cell = f"{text.get_text()} at {columns.get(x, number(x))}"
        lines.setdefault(rows.get(y, number(y)), []).append(cell)
    return "; ".join(f"row {row}: {', '.join(cells)}" for row, cells in lines.items())


def _notes(ax):
    """Other words in the figure. The number at a bar's end has been said."""
    has_bars = _containers(ax, "patches")
    texts = [t for t in ax.texts if not (has_bars and hasattr(t, "xycoords"))]
    return f"In it the words {_words(texts)}" if _words(texts) else ""
