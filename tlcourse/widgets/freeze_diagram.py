"""The diagram of the freeze panel: a model from input to output, as SVG."""

from tlcourse.widgets.html_images import as_text

FROZEN, TRAINS = "#E3E3E3", "#0072B2"
HATCHING = (
    '<defs><pattern id="tl-partly" width="8" height="8" '
    'patternTransform="rotate(45)" patternUnits="userSpaceOnUse">'
    f'<rect width="8" height="8" fill="{FROZEN}"/>'
    f'<rect width="3" height="8" fill="{TRAINS}"/></pattern></defs>'
)


def freeze_diagram(state, passed, gradients):
    """Draws the parts of a `FreezeState`, and how far back the gradients go.

    `passed` has the positions of the layers that a gradient passes through; a screen
    reader reads `gradients`, which says the same in words.
    """
    parts, shows = state.structure.parts, state.shows
    width = 100 * len(parts)
    boxes = "".join(_box(k, part, shows(part)) for k, part in enumerate(parts))
    said = ", ".join(f"{part.name} {shows(part)}" for part in parts)
    reached = [bool(passed & set(part.units)) for part in parts]
    arrow = _arrow(100 * reached.index(True), width) if any(reached) else ""
    return (
        f'<svg viewBox="0 0 {width} 134" role="img" style="max-width: {width}px; '
        f'width: 100%; font: 12px sans-serif" aria-label="From input to output: '
        f'{as_text(said)}. Gradients: {as_text(gradients)}.">'
        f"{HATCHING}{boxes}{arrow}</svg>"
    )


def _box(position, part, shown):
    """A box, the higher the larger the feature maps, with its state and its name."""
    height = 26 + 44 * min(1.0, (part.size or 1) / 112) ** 0.5
    fill = {"trains": TRAINS, "frozen": FROZEN, "partly": "url(#tl-partly)"}[shown]
    left, top = 100 * position + 4, 8 + (70 - height) / 2
    middle = left + 46
    ink = "white" if shown == "trains" else "black"
    halo = 'stroke="white" stroke-width="5" ' * (shown == "partly")
    name = part.name if len(part.name) < 16 else f"{part.name[:14]}…"
    return (
        f'<rect x="{left}" y="{top:.0f}" width="92" height="{height:.0f}" rx="5" '
        f'fill="{fill}" stroke="#555"/><text x="{middle}" y="47" fill="{ink}" {halo}'
        f'paint-order="stroke" text-anchor="middle">{shown}</text>'
        f'<text x="{middle}" y="95" fill="currentColor" text-anchor="middle">'
        f"{as_text(name)}</text>"
    )


def _arrow(left, right):
    """An arrow from the output back to where the gradients stop."""
    return (
        f'<path d="M {right - 4} 112 H {left + 8} m 8 -5 l -8 5 l 8 5" fill="none" '
        f'stroke="#D55E00" stroke-width="2"/><text x="{(left + right) / 2}" y="126" '
        'fill="currentColor" text-anchor="middle">gradients</text>'
    )
