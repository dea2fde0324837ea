"""What a figure shows, in words, for those who do not see it.

JupyterLab gives a PNG no alternative text. So `tlcourse.start` makes Jupyter show a
figure as HTML, too: the same picture, with these words.
"""

import base64
import html
import io

import numpy as np

from tlcourse.plots.style import has_names

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
    file, words = io.BytesIO(), describe(figure)
    figure.savefig(file, format="png", bbox_inches="tight")
    data = base64.b64encode(file.getvalue()).decode()
    image = f'<img alt="{html.escape(words)}" src="data:image/png;base64,{data}">'
    return {"text/html": image}, {"image/png": {"alt": words}}


def _describe(ax):
    if ax.get_label() == "<colorbar>":
        return f"Colour: {ax.get_ylabel()}."
    parts = [_title(ax)]
    if ax.axison:
        parts += [_scales(ax), _bars(ax), _lines(ax), _points(ax)]
        parts += [_table(ax), _notes(ax)]
    else:
        parts.append(_pictures(ax))
    return "".join(f" {each}." for each in parts if each).strip().replace("?.", "?")


def _title(ax):
    titles = (ax.get_title(place) for place in ("left", "center", "right"))
    return ". ".join(title.rstrip(".:") for title in titles if title)


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


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _tick_names(axis):
    """dict, a tick's place to its name, where ticks have names."""
    if not has_names(axis):
        return {}
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return dict(zip(map(float, axis.get_ticklocs()), texts, strict=True))


def _nearest(place, names):
    at = min(names, key=lambda tick: abs(tick - place), default=None)
    return names[at] if at is not None and abs(at - place) < 0.5 else ""


def _words(texts):
    return [" ".join(text.get_text().split()) for text in texts if text.get_text()]


def _pictures(ax):
    count, words = len(ax.images), _listed(_words(ax.texts))
    many = f"{count} picture{'s' * (count > 1)}" if count else ""
    return " with the words ".join(filter(None, (many, words)))


def _bars(ax):
    parts = []
    for bars in _containers(ax, "patches"):
        flat = bars.orientation == "horizontal"
        names = _tick_names(ax.yaxis if flat else ax.xaxis)
        items = []
        for bar in bars.patches:
            middle = bar.get_y() + bar.get_height() / 2
            place = middle if flat else bar.get_x() + bar.get_width() / 2
            length = bar.get_width() if flat else bar.get_height()
            name = _nearest(place, names)
            items.append(f"{name}: {_number(length)}" if name else _number(length))
        parts.append(_labelled(bars, _listed(items, "; "), ", "))
    return ". ".join(parts)


def _containers(ax, kind):
    return [group for group in ax.containers if hasattr(group, kind)]


def _labelled(artist, text, mark=": "):
    label = str(artist.get_label())
    return text if label.startswith("_") or not label else label + mark + text


def _lines(ax):
    spreads = _containers(ax, "has_yerr")
    inside = {line for s in spreads for line in (s.lines[0], *s.lines[1])}
    # What is not in the units of the data is a rule across the whole figure.
    drawn = [line for line in ax.lines if line not in inside]
    found = [_labelled(s, _values(ax, s.lines[0])) for s in spreads if s.lines[0]]
    for line in drawn:
        if line.get_transform() == ax.transData:
            found.append(_labelled(line, _values(ax, line)))
        elif not str(line.get_label()).startswith("_"):
            found.append(_labelled(line, _number(line.get_ydata()[0])))
    return "; ".join(found)


def _values(ax, line):
    """A line's points if they are few; else where it begins, ends and goes."""
    x, y = (np.asarray(v, float) for v in line.get_data(orig=False))
    names = _tick_names(ax.xaxis)
    named = [names[a] if a in names else _number(a) for a in x]
    at = [f"{_number(b)} at {a}" for a, b in zip(named, y, strict=True)]
    if len(at) <= 8:
        return ", ".join(at)
    if line.get_linestyle() == "None":
        return f"{len(at):,} points"
    low, high = _number(np.nanmin(y)), _number(np.nanmax(y))
    return f"from {at[0]} to {at[-1]}, lowest {low}, highest {high}"


def _points(ax):
    clouds = (c for c in ax.collections if type(c).__name__ == "PathCollection")
    count = sum(len(each.get_offsets()) for each in clouds)
    return f"{count:,} points" if count else ""


def _table(ax):
    """The numbers in the cells of a heat map, row by row."""
    if not ax.images:
        return ""
    rows, columns, lines = _tick_names(ax.yaxis), _tick_names(ax.xaxis), {}
    for text in ax.texts:
        x, y = text.get_position()
        cell = f"{text.get_text()} at {columns.get(x, _number(x))}"
        lines.setdefault(rows.get(y, _number(y)), []).append(cell)
    return "; ".join(f"row {row}: {', '.join(cells)}" for row, cells in lines.items())


def _notes(ax):
    """Other words in the figure. The number at a bar's end has been said."""
    if ax.images:
        return ""
    has_bars = _containers(ax, "patches")
    texts = [t for t in ax.texts if not (has_bars and hasattr(t, "xycoords"))]
    return f"In it the words {_listed(_words(texts))}" if _words(texts) else ""
