"""Images side by side: tiles, filters, feature maps, a network's predictions."""

import numpy as np

from tlcourse.plots.style import axes_or_new, without_formulas


def tiles(images, titles=None, columns=8, title="", ax=None):
    """Draws images side by side, and returns the axes.

    Args:
        images: `(n, h, w, 3)` uint8 or float 0..1, or `(n, h, w)` grey; if there are
            none, the figure says so.
        titles: Sequence of n strings above the images, one line or more, or None.
        columns: Integer, images in a row.
        title: String, the figure's title.
    """
    n, height, width = np.shape(images)[:3]
    if not n:
        ax = axes_or_new(ax, 3, 0.8)
        ax.text(0.5, 0.5, "no pictures", ha="center", transform=ax.transAxes)
        ax.set(title=title, xticks=[], yticks=[], frame_on=False)
        return without_formulas(ax)
    columns, rows = min(columns, n), -(-n // min(columns, n))
    titles = [] if titles is None else titles
    lines = max((1 + str(each).count("\n") for each in titles), default=0)
    longest = max((len(x) for each in titles for x in str(each).split("\n")), default=0)
    wide = max(min(1.1, 11 / columns), 2.2 / columns, 0.095 * longest)
    room = (0.16 + 0.22 * lines if lines else 0.06) * height / wide
    ax = axes_or_new(ax, wide * columns, wide * (1 + room / height) * rows + 0.4)
    for k, image in enumerate(images):
        left, top = k % columns * width * 1.06, k // columns * (height + room)
        box = (left, left + width, top + height, top)
        ax.imshow(image, extent=box, cmap="gray", interpolation="nearest")
        if lines:
            middle, above = left + width / 2, top - 0.03 * height
            ax.text(middle, above, titles[k], ha="center", fontsize=9)
    below = rows * (height + room) - room
    ax.set(xlim=(0, columns * width * 1.06), ylim=(below, -room), title=title)
    ax.axis("off")
    return without_formulas(ax)


def top_answers(images, probabilities, names, icons=None, n=3, title="", ax=None):
    """Draws images above their likeliest classes, and returns the axes.

    Args:
        images: uint8 `(m, h, w, 3)`.
        probabilities: float `(m, classes)`, 0..1.
        names: Sequence of strings, the classes.
        icons: uint8 `(classes, h', w')`, drawn instead of names, or None.
        n: Integer, classes for each image.
        title: String.
    """
    ax = axes_or_new(ax, 1.5 * len(images), 1.4 + (0.35 if icons is None else 0.9) * n)
    step = 0.28 if icons is None else 0.75
    for i, (image, chances) in enumerate(zip(images, probabilities, strict=True)):
        ax.imshow(image, extent=(i, i + 0.9, 0, 0.9))
        for row, k in enumerate(np.argsort(-chances)[:n]):
            low, share = -step * (row + 1), f"{chances[k]:.2f}"
            at, style = i + 0.45, {"ha": "center", "fontsize": 8}
            if icons is None:
                ax.text(at, low + 0.1, f"{names[k][:16]} {share}", **style)
                continue
            box = (i + 0.2, i + 0.7, low + 0.2, low + 0.7)
            ax.imshow(icons[k], extent=box, cmap="gray", vmin=0, vmax=255)
            ax.text(at, low + 0.17, share, va="top", **style)
    ax.set(xlim=(0, len(images)), ylim=(-step * n - 0.1, 0.95), title=title)
    ax.axis("off")
    return without_formulas(ax)


def normalise(maps):
    """Stretches each of `(n, h, w)` or `(n, h, w, 3)` maps to 0..1."""
    maps = np.asarray(maps, "float32")
    axes = tuple(range(1, maps.ndim))
    low, high = maps.min(axes, keepdims=True), maps.max(axes, keepdims=True)
    return (maps - low) / np.maximum(high - low, 1e-8)


def filters(kernel, columns=16, title="", ax=None):
    """Draws the filters of a kernel, `(h, w, 3, n)`, in colour; returns the axes."""
    return tiles(normalise(np.moveaxis(kernel, -1, 0)), None, columns, title, ax)


def feature_maps(maps, n=16, columns=8, title="", ax=None):
    """Draws the `n` channels of one image's maps that vary most; returns the axes.

    `maps` are float `(h, w, channels)`; there are `columns` channels in a row.
    """
    strongest = np.argsort(-np.std(maps, axis=(0, 1)))[:n]
    chosen = np.moveaxis(maps[..., np.sort(strongest)], -1, 0)
    return tiles(normalise(chosen), None, columns, title, ax)
