"""Images, figures, tables and predictions as HTML that needs no kernel."""

import base64
import html
import io

from tlcourse.data.folder_report import printable
from tlcourse.plots import COLOURS
from tlcourse.plots.style import sharp_png


def as_text(text):
    """HTML that shows a text as it is: no markup, no characters that hide or turn."""
    return html.escape(printable(" ".join(str(text).split())))


def figure_html(ax, alt):
    """The figure of `ax` as an HTML image with alternative text; it is closed."""
    import matplotlib.pyplot as plt

    png, width = sharp_png(ax.figure, dpi=90)
    plt.close(ax.figure)
    style = "max-width: 100%; height: auto"
    size = f'width="{width}" style="{style}"'
    return f'<img alt="{as_text(alt)}" {size} src="{_png_url(png)}">'


def data_url(image, side):
    """An image, uint8 `(h, w, 3)`, as an address that holds it, for `side` pixels."""
    from PIL import Image

    file = io.BytesIO()
    small = Image.fromarray(image)
    small.thumbnail((2 * side, 2 * side))
    small.save(file, format="png")
    return _png_url(file.getvalue())


def thumbnail(image, side, alt):
    """An image, uint8 `(h, w, 3)`, as an HTML image of `side` pixels on the screen."""
    return image_html(data_url(image, side), alt, side)


def image_html(source, alt, side):
    """The image at an address as an HTML image of `side` pixels on the screen."""
    style = "border: 1px solid #767676; margin: 1px; object-fit: contain"
    size = f'width="{side}" height="{side}" style="{style}"'
    return f'<img alt="{as_text(alt)}" {size} src="{source}">'


def _png_url(png):
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def table(rows, columns=()):
    """An HTML table of rows of strings, each begun by its name."""
    style = 'style="text-align: left; padding: 1px 8px"'
    head = "".join(f'<th scope="col" {style}>{as_text(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row" {style}>{as_text(name)}</th>'
        + "".join(f"<td {style}>{as_text(cell)}</td>" for cell in cells)
        for name, *cells in rows
    )
    head = f"<tr><td></td>{head}</tr>" if columns else ""
    return f"<table>{head}{body}</table>"


def prediction_bars(probabilities):
    """The probability of each class (a dict, 0..1) as bars, and the best in words."""
    if not probabilities:
        return "<p>No answer yet: it wants examples of two classes.</p>"
    best = max(probabilities, key=probabilities.get)
    rows = "".join(_bar(name, p, name == best) for name, p in probabilities.items())
    said = f"Looks like <b>{as_text(best)}</b>, {probabilities[best]:.0%} sure."
    return f'<p role="status">{said}</p><table aria-hidden="true">{rows}</table>'


def _bar(name, probability, is_best):
    colour = COLOURS[0] if is_best else "#767676"
    bar = f"width: {80 * probability:.0f}px; height: 14px; background: {colour}"
    return (
        f'<tr><td style="text-align: right">{as_text(name)}</td>'
        f'<td style="width: 84px"><div style="{bar}"></div></td>'
        f'<td style="text-align: right">{probability:.0%}</td></tr>'
    )


def captioned_thumbnails(images, predictions):
    """Images, each with its most probable class (from a dict, 0..1) below it."""
    figures = []
    for number, (image, found) in enumerate(zip(images, predictions, strict=True), 1):
        best = max(found, key=found.get, default="")
        said = f"{as_text(best)} {found[best]:.0%}" if best else "no answer yet"
        figures.append(
            '<figure style="display: inline-block; margin: 2px; text-align: center">'
            f"{thumbnail(image, 64, f'Picture {number}')}"
            f"<figcaption>{said}</figcaption></figure>"
        )
    return f'<div role="status">{"".join(figures)}</div>'
