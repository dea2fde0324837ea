"""What the freeze panel shows, as sentences, a drawing and a table."""

import html

import keras

from tlcourse.models import costs, freeze_state, freezing
from tlcourse.models.freeze_state import FreezeState

FROZEN, TRAINS = "#E3E3E3", "#0072B2"


class Sheet:
    """A model, what of it trains, and what that costs.

    The model's flags are the truth: the sheet reads them and sets them.

    Args:
        model: `keras.Model`, see `structure.read`.
        images: Integer, in an epoch.
        batch_size: Integer, images in a step.

    Raises:
        ValueError: If the model has no layers to show, and what to do about it.
    """

    def __init__(self, model, images=1000, batch_size=32):
        if images < 1 or batch_size < 1:
            raise ValueError(
                "Expected `images` and `batch_size` of 1 or more. Received: "
                f"{images} and {batch_size}"
            )
        self.state = freeze_state.read(model)
        self.images, self.batch_size, self.timing = images, batch_size, None

    @property
    def model(self):
        """`keras.Model`."""
        return self.state.structure.model

    @property
    def parts(self):
        """tuple of `structure.Part`, from input to output."""
        return self.state.structure.parts

    def refresh(self):
        """Reads the flags of the model again: code may have changed them."""
        self.state = freeze_state.read(self.state.structure)

    def choose(self, state: FreezeState):
        """Sets the flags of the model.

        Args:
            state: `FreezeState` of this model.
        """
        state.apply()
        self.refresh()

    def compile(self):
        """Compiles the model as before, with a new optimizer."""
        freezing.compile_again(self.model)

    def measure(self, report=lambda share: None):
        """Times training steps on this machine; see `costs.measure`.

        Args:
            report: Function of a share, 0 to 1.
        """
        self.timing = costs.measure(self.state, self.batch_size, report)

    @property
    def costs(self):
        """`costs.Costs` of what the flags say."""
        return costs.of(self.state, self.batch_size)

    @property
    def status(self):
        """String, how the compiled choice and the flags agree."""
        found = freezing.trains(self.model)
        if not found.compiled:
            return "not compiled yet"
        if found.stale and keras.backend.backend() != "tensorflow":
            return "changed since compile: compile again"
        if found.stale:
            return (
                f"changed since compile: compile again (until then, fit trains "
                f"{found.parameters:,} numbers)"
            )
        return "compiled as shown"

    @property
    def title(self):
        """String, name, layers and parameters."""
        found = self.state.structure
        inside = {unit.path.split("/")[0] for unit in found.units if "/" in unit.path}
        name = " and ".join(sorted(inside)) or self.model.name
        total = sum(unit.parameters for unit in found.units)
        return f"{name}: {found.n_layers} layers, {total:,} parameters"

    @property
    def count(self):
        """String, what would train."""
        found = self.costs
        share = found.trainable / found.total
        return (
            f"trains {found.trainable:,} of {found.total:,} parameters ({share:.1%}), "
            f"{found.total - found.trainable:,} are frozen"
        )

    @property
    def gradients(self):
        """String, how far back the gradients go."""
        passed = self.costs.passed
        reached = [part.name for part in self.parts if passed & set(part.units)]
        if not reached:
            return "nothing trains, so no gradients are computed"
        units = enumerate(self.state.structure.units)
        if next(i for i, unit in units if unit.learnable) in passed:
            return "from the output all the way back to the first layer"
        return f"from the output back to {reached[0]}, where they stop"

    @property
    def batchnorm(self):
        """String, the mode of the BatchNormalization layers."""
        found = self.costs
        total = found.norms_awake + found.norms_asleep
        if not total:
            return "no such layers"
        if not found.norms_awake:
            return f"{total} layers, all frozen: inference mode, averages rest"
        if not found.norms_asleep:
            return f"{total} layers, all awake: their averages move"
        return f"{found.norms_awake} layers awake, {found.norms_asleep} frozen"

    @property
    def lines(self):
        """list of pairs of strings: what, and how much."""
        found = self.costs
        everything = costs.of(self.state.preset("everything"), self.batch_size)
        return [
            ("gradients go", self.gradients),
            ("BatchNorm", self.batchnorm),
            (
                "memory besides the weights",
                f"{found.optimizer_bytes / costs.MB:.1f} MB optimizer, "
                f"{found.activation_bytes / costs.MB:.1f} MB activations",
            ),
            (
                f"one step of {self.batch_size} images",
                f"{found.flop / 1e9:.2f} GFLOP "
                f"({found.flop / max(everything.flop, 1):.0%} of training everything)",
            ),
            (f"one epoch of {self.images:,} images", self._epoch(found, everything)),
        ]

    def _epoch(self, found, everything):
        if self.timing is None:
            return "not measured on this machine yet"
        here = self.timing.epoch(found, self.images)
        most = self.timing.epoch(everything, self.images)
        once = ""
        if found.ahead and found.trainable:
            less = self.timing.epoch(found, self.images, once=True)
            once = f"frozen part computed once: {less:.2g} s; "
        return f"about {here:.2g} s ({once}everything trains: {most:.2g} s)"

    @property
    def code(self):
        """String, Keras code that does the same."""
        return f"{self.state.code()}\n{freezing.compile_line(self.model)}"

    def part_line(self, part):
        """What stands beside the checkbox of a part.

        Args:
            part: `structure.Part`.

        Returns:
            String.
        """
        units = [self.state.structure.units[i] for i in part.units]
        trains = sum(
            u.learnable
            for i, u in zip(part.units, units, strict=True)
            if i in self.state.free
        )
        shown = {"trains": "trains", "partly": "partly trains", "frozen": "frozen"}
        size = f", {part.size} px" if part.size and part.size > 1 else ""
        total = self.state.structure.parameters(part)
        text = f"{shown[self.state.shows(part)]}: {trains:,} of {total:,} parameters"
        return f"{text}{size}, {part.note}" if part.note != part.name else text + size

    def __repr__(self):
        lines = [f"{self.title} · {self.status}", f"  {self.count}"]
        lines += [f"  {part.name}: {self.part_line(part)}" for part in self.parts]
        lines += [f"  {what}: {text}" for what, text in self.lines]
        return "\n".join(lines)

    def html(self):
        """The same as HTML that needs no kernel.

        Returns:
            String.
        """
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{html.escape(part.name)}</th>"
            f"<td style='text-align:left'>{html.escape(self.part_line(part))}</td></tr>"
            for part in self.parts
        )
        code = html.escape(self.code)
        return (
            f"<p><b>{html.escape(self.title)}</b> · {html.escape(self.status)}</p>"
            f"{self.drawing()}<p>{html.escape(self.count)}</p>"
            f"<table><caption>From input to output</caption>{rows}</table>"
            f"{self.table()}<pre>{code}</pre>"
        )

    def table(self):
        """The costs as an HTML table.

        Returns:
            String.
        """
        cell = "style='text-align:left; padding: 1px 8px'"
        rows = "".join(
            f"<tr><th scope='row' {cell}>{html.escape(what)}</th>"
            f"<td {cell}>{html.escape(text)}</td></tr>"
            for what, text in self.lines
        )
        return f"<table>{rows}</table>"

    def drawing(self):
        """The model from left to right, as an image that a screen reader can read.

        Returns:
            String, SVG.
        """
        passed, shows = self.costs.passed, self.state.shows
        hit = [bool(passed & set(part.units)) for part in self.parts]
        width = 100 * len(self.parts)
        boxes = [
            _box(place, part, shows(part)) for place, part in enumerate(self.parts)
        ]
        said = ", ".join(f"{part.name} {shows(part)}" for part in self.parts)
        arrow = _arrow(100 * hit.index(True), width) if any(hit) else ""
        return (
            f'<svg viewBox="0 0 {width} 134" role="img" style="max-width: {width}px; '
            f'width: 100%; font: 12px sans-serif" aria-label="From input to output: '
            f'{html.escape(said)}. Gradients: {html.escape(self.gradients)}.">'
            f"{HATCHING}{''.join(boxes)}{arrow}</svg>"
        )


HATCHING = (
    '<defs><pattern id="tl-partly" width="8" height="8" '
    'patternTransform="rotate(45)" patternUnits="userSpaceOnUse">'
    f'<rect width="8" height="8" fill="{FROZEN}"/>'
    f'<rect width="3" height="8" fill="{TRAINS}"/></pattern></defs>'
)


def _box(place, part, shown):
    """A box as high as the feature maps are large, and what is in it."""
    tall = 26 + 44 * min(1.0, (part.size or 1) / 112) ** 0.5
    fill = {"trains": TRAINS, "frozen": FROZEN, "partly": "url(#tl-partly)"}[shown]
    left, top = 100 * place + 4, 8 + (70 - tall) / 2
    middle = left + 46
    ink = "white" if shown == "trains" else "black"
    word = (
        f'<rect x="{middle - 28}" y="34" width="56" height="18" fill="white" rx="3"/>'
        if shown == "partly"
        else ""
    )
    name = part.name if len(part.name) < 16 else f"{part.name[:14]}…"
    return (
        f'<rect x="{left}" y="{top:.0f}" width="92" height="{tall:.0f}" rx="5" '
        f'fill="{fill}" stroke="#555"/>{word}'
        f'<text x="{middle}" y="47" fill="{ink}" text-anchor="middle">{shown}</text>'
        f'<text x="{middle}" y="95" fill="currentColor" text-anchor="middle">'
        f"{html.escape(name)}</text>"
    )


def _arrow(left, right):
    """From the output back to where the gradients stop."""
    return (
        f'<path d="M {right - 4} 112 H {left + 8} m 8 -5 l -8 5 l 8 5" fill="none" '
        f'stroke="#D55E00" stroke-width="2"/><text x="{(left + right) / 2}" y="126" '
        'fill="currentColor" text-anchor="middle">gradients</text>'
    )
