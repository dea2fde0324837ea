"""Images and answers as HTML."""

import base64
import html
import io

from tlcourse.plots.figures import COLOURS


def thumbnail(image, side, alt):
    """An image as HTML.

    Args:
        image: uint8 `(h, w, 3)`.
        side: Integer, pixels on the screen.
        alt: String.

    Returns:
        String.
    """
    from PIL import Image

    file = io.BytesIO()
    small = Image.fromarray(image)
    small.thumbnail((2 * side, 2 * side))
    small.save(file, format="png")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" width="{side}" height="{side}" '
        'style="border: 1px solid #767676; margin: 1px; object-fit: contain" '
        f'src="data:image/png;base64,{data}">'
    )


def answers(found):
    """Probabilities as bars, read out by a screen reader.

    Args:
        found: dict, class to probability, 0..1.

    Returns:
        String, HTML.
    """
    if not found:
        return "<p>No answer yet: it wants examples of two classes.</p>"
    best = max(found, key=found.get)
    rows = "".join(_bar(name, share, name == best) for name, share in found.items())
    said = f"Looks like <b>{html.escape(best)}</b>, {found[best]:.0%} sure."
    return f'<p role="status">{said}</p><table aria-hidden="true">{rows}</table>'


def several(images, found):
    """Images, and below each what it is taken for.

    Args:
        images: Sequence of uint8 `(h, w, 3)`.
        found: list of dicts, class to probability, 0..1, one for each.

    Returns:
        String, HTML.
    """
    figures = []
    for number, (image, shares) in enumerate(zip(images, found, strict=True), start=1):
        best = max(shares, key=shares.get, default="")
        said = f"{html.escape(best)} {shares[best]:.0%}" if best else "no answer yet"
        picture = thumbnail(image, 64, f"Picture {number}")
        figures.append(
            '<figure style="display: inline-block; margin: 2px; text-align: center">'
            f"{picture}<figcaption>{said}</figcaption></figure>"
        )
    return f'<div role="status">{"".join(figures)}</div>'


def _bar(name, share, is_best):
    colour = COLOURS[0] if is_best else "#767676"
    bar = f"width: {160 * share:.0f}px; height: 14px; background: {colour}"
    return (
        f'<tr><td style="text-align: right">{html.escape(name)}</td>'
        f'<td style="width: 164px"><div style="{bar}"></div></td>'
        f'<td style="text-align: right">{share:.0%}</td></tr>'
    )
