"""Figures. Every function takes `ax=None`, draws there, and returns the axes.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines
differ in their markers too.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000")
MARKERS = "osD^vPX"


def _axes(ax, width=7, height=3.5):
    return ax or plt.subplots(figsize=(width, height), layout="constrained")[1]


def _nothing(title, ax):
    ax = _axes(ax, 3, 0.8)
    ax.text(0.5, 0.5, "no pictures", ha="center", va="center", transform=ax.transAxes)
    ax.set(title=title, xticks=[], yticks=[], frame_on=False)
    return ax


def tiles(images, titles=None, columns=8, title="", ax=None):
    """Images side by side.

    Args:
        images: `(n, h, w, 3)` uint8 or float 0..1, or `(n, h, w)` grey; if there are
            none, the figure says so.
        titles: Sequence of n strings above the images, of up to two lines, or None.
        columns: Integer, images in a row.
        title: String, the figure's title.

    Returns:
        The axes.
    """
    n, height, width = np.shape(images)[:3]
    if not n:
        return _nothing(title, ax)
    columns = min(columns, n)
    rows = -(-n // columns)
    named = titles is not None and len(titles) > 0
    lines = max(1 + str(each).count("\n") for each in titles) if named else 0
    room = (0.15 + 0.2 * lines if lines else 0.06) * height
    wide = max(1.1, 2.2 / columns)
    ax = _axes(ax, wide * columns, wide * (1 + room / height) * rows + 0.4)
    for number, image in enumerate(images):
        left, top = number % columns * width * 1.06, number // columns * (height + room)
        box = (left, left + width, top + height, top)
        ax.imshow(image, extent=box, cmap="gray", interpolation="nearest")
        if titles is not None:
            middle = left + width / 2
            above = top - 0.03 * height
            ax.text(middle, above, titles[number], ha="center", fontsize=9)
    ax.set(xlim=(0, columns * width * 1.06), ylim=(rows * (height + room), -room))
    ax.set_title(title)
    ax.axis("off")
    return ax


def top_answers(images, probabilities, names, icons=None, n=3, title="", ax=None):
    """Images, and below each the classes that a network finds likeliest.

    Args:
        images: uint8 `(m, h, w, 3)`.
        probabilities: float `(m, classes)`, 0..1.
        names: Sequence of strings, the classes.
        icons: uint8 `(classes, h', w')`, drawn instead of names, or None.
        n: Integer, answers for each image.
        title: String.

    Returns:
        The axes.
    """
    columns = len(images)
    ax = _axes(ax, 1.5 * columns, 1.4 + (0.9 if icons is not None else 0.35) * n)
    step = 0.75 if icons is not None else 0.28
    for i, (image, chances) in enumerate(zip(images, probabilities, strict=True)):
        ax.imshow(image, extent=(i, i + 0.9, 0, 0.9))
        for row, k in enumerate(np.argsort(-chances)[:n]):
            low = -step * (row + 1)
            if icons is None:
                label = f"{names[k][:16]} {chances[k]:.2f}"
                ax.text(i + 0.45, low + 0.1, label, ha="center", fontsize=8)
                continue
            box = (i + 0.2, i + 0.7, low + 0.2, low + 0.7)
            ax.imshow(icons[k], extent=box, cmap="gray", vmin=0, vmax=255)
            share = f"{chances[k]:.2f}"
            ax.text(i + 0.45, low + 0.17, share, ha="center", va="top", fontsize=8)
    ax.set(xlim=(0, columns), ylim=(-step * n - 0.1, 0.95), title=title)
    ax.axis("off")
    return ax


def normalise(maps):
    """Stretches each map to 0..1, so that it can be shown as an image.

    Args:
        maps: float `(n, h, w)` or `(n, h, w, 3)`.

    Returns:
        float, the same shape, 0..1.
    """
    maps = np.asarray(maps, "float32")
    axes = tuple(range(1, maps.ndim))
    low, high = maps.min(axes, keepdims=True), maps.max(axes, keepdims=True)
    return (maps - low) / np.maximum(high - low, 1e-8)


def filters(kernel, columns=16, title="", ax=None):
    """The filters of a first convolution, as colour images.

    Args:
        kernel: float `(h, w, 3, n)`.
        columns: Integer.
        title: String.

    Returns:
        The axes.
    """
    return tiles(normalise(np.moveaxis(kernel, -1, 0)), None, columns, title, ax)


def feature_maps(maps, n=16, columns=8, title="", ax=None):
    """The strongest channels of one image's feature maps.

    Args:
        maps: float `(h, w, channels)`.
        n: Integer, how many channels.
        columns: Integer.
        title: String.

    Returns:
        The axes.
    """
    strongest = np.argsort(-np.std(maps, axis=(0, 1)))[:n]
    chosen = np.moveaxis(maps[..., np.sort(strongest)], -1, 0)
    return tiles(normalise(chosen), None, columns, title, ax)


def bars(values, title="", xlabel="", log=False, colours=BLUE, ax=None):
    """Horizontal bars, each with its number.

    Args:
        values: dict, name to number.
        title: String.
        xlabel: String, with the unit.
        log: Boolean, logarithmic axis.
        colours: A colour, or one for each bar.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 0.35 * len(values) + 1)
    drawn = ax.barh(list(values), list(values.values()), color=colours)
    texts = [f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in values.values()]
    ax.bar_label(drawn, texts, padding=3)
    ax.invert_yaxis()
    ax.set(title=title, xlabel=xlabel, xscale="log" if log else "linear")
    ax.xaxis.set_minor_formatter("")
    ax.margins(x=0.15)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def catalogue(networks, ax=None):
    """Published accuracy against parameters, colour by year.

    Args:
        networks: Sequence of `bases.Network`.

    Returns:
        The axes.
    """
    ax = _axes(ax, 8, 4.5)
    shown = ax.scatter(
        [network.millions for network in networks],
        [network.top1 for network in networks],
        c=[network.year for network in networks],
        cmap="viridis",
        s=60,
    )
    for network in networks:
        at = (network.millions, network.top1)
        # Three points have a neighbour whose name would cover theirs.
        below = network.name in ("VGG16", "ResNet101", "DenseNet201")
        place = (-20, -13) if below else (5, 4)
        ax.annotate(network.name, at, place, textcoords="offset points", fontsize=8)
    ax.figure.colorbar(shown, ax=ax, label="year of the paper")
    ax.margins(x=0.15)
    ax.set(
        xscale="log",
        title="keras.applications: what an accuracy costs",
        xlabel="parameters, millions",
        ylabel="ImageNet top-1 accuracy, %",
    )
    return ax


def curves(histories, metric="val_accuracy", title="", ax=None):
    """A quantity of one or more trainings, epoch by epoch.

    Args:
        histories: dict, name to `History` or to its dict of lists.
        metric: String, such as `"loss"` or `"val_accuracy"`.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax)
    styles = zip(itertools.cycle(COLOURS), itertools.cycle(MARKERS))  # noqa: B905
    for (name, history), (colour, marker) in zip(histories.items(), styles):  # noqa: B905
        values = getattr(history, "history", history)[metric]
        every = max(1, len(values) // 10)
        # Fewer values than epochs: it looked at every second, third, ... epoch.
        step = len(getattr(history, "epoch", values)) // len(values)
        epochs = step * np.arange(1, len(values) + 1)
        ax.plot(
            epochs, values, color=colour, marker=marker, markevery=every, label=name
        )
    ax.set(title=title, xlabel="epoch", ylabel=metric.replace("val_", "validation "))
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def steps_curve(losses, n, title="Training", ax=None):
    """The loss step by step, with room for the steps to come.

    Args:
        losses: Sequence of floats, so far.
        n: Integer, steps in all.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 2.4)
    ax.plot(range(1, len(losses) + 1), losses, color=BLUE)
    ax.set(xlim=(0, n + 1), title=title, xlabel="step", ylabel="loss of the step")
    ax.set_ylim(0, 1.05 * max(losses, default=1))
    ax.grid(alpha=0.3)
    return ax


def label_curves(counts, tables, title="", ax=None):
    """Accuracy against labels per class: mean and spread of several draws.

    Args:
        counts: Sequence of integers, labels per class.
        tables: dict, name to float `(len(counts), draws)`, accuracies 0..1;
            NaN where nothing was measured.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    styles = zip(itertools.cycle(COLOURS), itertools.cycle(MARKERS))  # noqa: B905
    for (name, table), (colour, marker) in zip(tables.items(), styles):  # noqa: B905
        mean, spread = np.mean(table, axis=1), np.std(table, axis=1)
        ax.errorbar(
            counts, mean, spread, color=colour, marker=marker, capsize=3, label=name
        )
    ax.set(xscale="log", ylim=(0, 1), title=title)
    ax.set(xlabel="labels per class", ylabel="accuracy on held-out images")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def rate_curve(rates, table, frozen, title="", ax=None):
    """Accuracy after fine-tuning against the learning rate.

    Args:
        rates: Sequence of floats.
        table: float `(len(rates), draws)`, accuracies 0..1.
        frozen: Float, accuracy of the frozen head.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    mean, spread = np.mean(table, axis=1), np.std(table, axis=1)
    ax.errorbar(rates, mean, spread, color=BLUE, marker="o", capsize=3, label="tuned")
    ax.axhline(frozen, color=ORANGE, linestyle="--", label="frozen head")
    ax.set(xscale="log", ylim=(0, 1), title=title)
    ax.set(xlabel="learning rate", ylabel="accuracy on held-out images")
    ax.legend()
    ax.grid(alpha=0.3)
    return ax


def loss_curves(tables, shown=None, title="", ax=None):
    """Training loss over the epochs, mean of several draws, for some of the rates.

    The band goes from the lowest draw to the highest. A rate keeps its colour,
    and the scale stays, whichever are shown.

    Args:
        tables: dict, learning rate to float `(draws, epochs)`, losses.
        shown: Sequence of rates, or None for all.
        title: String.

    Returns:
        The axes.
    """
    ax = _axes(ax, 7, 4)
    for place, (rate, table) in enumerate(tables.items()):
        if shown is not None and rate not in shown:
            continue
        table, k = np.asarray(table, float), place % len(COLOURS)
        epochs = np.arange(1, table.shape[1] + 1)
        low, high = table.min(axis=0), table.max(axis=0)
        ax.fill_between(epochs, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        style = {"color": COLOURS[k], "marker": MARKERS[k], "label": f"{rate:g}"}
        line = "-" if place < len(COLOURS) else "--"
        ax.plot(epochs, table.mean(axis=0), line, **style)
    ax.set(title=title, xlabel="epoch", ylabel="training loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    _scale_for_all(ax, tables)
    ax.legend(title="learning rate", loc="upper left", bbox_to_anchor=(1.01, 1))
    ax.grid(alpha=0.3)
    return ax


def _scale_for_all(ax, tables):
    """The same scale whichever rates are shown; logarithmic where they differ much."""
    losses = np.concatenate([np.ravel(table) for table in tables.values()])
    losses = losses[np.isfinite(losses) & (losses > 0)]
    if not losses.size:
        return
    low, high = losses.min(), losses.max()
    if high > 4 * low:
        ax.set(yscale="log", ylim=(low / 1.2, high * 1.2))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    else:
        ax.set_ylim(0, 1.1 * high)


def stage_bars(networks, title="", ax=None):
    """Parameters of each stage, of one network or of several side by side.

    Args:
        networks: dict, a network's name to a sequence of its stages, each with
            `name`, `size` (side of its maps, pixels) and `parameters`.
        title: String.

    Returns:
        The axes.
    """
    rows = max(map(len, networks.values()))
    ax = _axes(ax, 7, 0.32 * rows * len(networks) + 1.4)
    height, hatches = 0.8 / len(networks), ("", "//", "..")
    for place, (name, stages) in enumerate(networks.items()):
        at = np.arange(len(stages)) + (place - (len(networks) - 1) / 2) * height
        millions = [stage.parameters / 1e6 for stage in stages]
        style = {"color": COLOURS[place], "hatch": hatches[place % 3]}
        drawn = ax.barh(at, millions, height, label=name, edgecolor="white", **style)
        texts = [f"{s.parameters / 1e6:.3g} M, maps {s.size}" for s in stages]
        ax.bar_label(drawn, texts, padding=3, fontsize=8)
    longest = max(networks.values(), key=len)
    ax.set_yticks(range(rows), [stage.name for stage in longest])
    ax.invert_yaxis()
    ax.margins(x=0.25)
    ax.set(title=title, xlabel="parameters, millions")
    ax.spines[["top", "right"]].set_visible(False)
    if len(networks) > 1:
        ax.legend(loc="upper right")
    return ax


def grid(table, rows, columns, title="", ax=None):
    """A heat map with its numbers; the best of each column has a frame.

    Args:
        table: float `(len(rows), len(columns))`, accuracies 0..1.
        rows: Sequence of strings.
        columns: Sequence of labels per class.
        title: String.

    Returns:
        The axes.
    """
    table = np.asarray(table)
    ax = _axes(ax, 1.1 * len(columns) + 2.5, 0.55 * len(rows) + 1.4)
    below = table - table.max(axis=0)
    ax.imshow(below, cmap="Blues", aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        best = row == table[:, column].argmax()
        ink = "white" if below[row, column] > 0.5 * below.min() else "black"
        weight = "bold" if best else "normal"
        text = f"{value:.3f}" + (" *" if best else "")
        ax.text(column, row, text, ha="center", va="center", color=ink, weight=weight)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(title=title, xlabel="labels per class", ylabel="what trains")
    return ax


def confusion(true, predicted, class_names, title="", ax=None):
    """Which class is taken for which.

    Args:
        true: int `(n,)`.
        predicted: int `(n,)`.
        class_names: Sequence of strings.
        title: String.

    Returns:
        The axes.
    """
    n = len(class_names)
    table = np.zeros((n, n), int)
    np.add.at(table, (true, predicted), 1)
    ax = _axes(ax, 0.45 * n + 2, 0.45 * n + 1.2)
    ax.imshow(table, cmap="Blues")
    for row, column in zip(*np.nonzero(table), strict=True):
        dark = table[row, column] > 0.5 * table.max()
        ink = "white" if dark else "black"
        ax.text(column, row, table[row, column], ha="center", va="center", color=ink)
    ax.set_xticks(range(n), class_names, rotation=45 if n < 10 else 0)
    ax.set_yticks(range(n), class_names)
    ax.set(title=title, xlabel="predicted", ylabel="true")
    return ax
