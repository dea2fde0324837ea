"""What the freeze panel says about a model, in words and as HTML."""

import html

import keras

from tlcourse.models import costs, freeze_state, freezing, keras_code
from tlcourse.widgets.freeze_diagram import freeze_diagram


class FreezeSummary:
    """A model, what of it trains, and what that costs, for epochs of `images`.

    The model's flags are the truth: the summary reads them and sets them.
    """

    def __init__(self, model, images=1000, batch_size=32):
        if images < 1 or batch_size < 1:
            raise ValueError(
                "Expected `images` and `batch_size` of 1 or more. Received: "
                f"{images} and {batch_size}"
            )
        self.model, self.state = model, freeze_state.read_state(model)
        self.parts = self.state.structure.parts
        self.images, self.batch_size = images, batch_size
        self.seconds = {}  # of a step, by the units that train

    def refresh(self):
        """Reads the flags of the model again: code may have changed them."""
        self.state = freeze_state.read_state(self.state.structure)

    def choose(self, state):
        """Sets the flags of the model as a `FreezeState` of it says."""
        state.apply()
        self.refresh()

    def compile(self):
        """Compiles the model as before, with a new optimizer."""
        freezing.recompile(self.model)

    def measure(self):
        """Times training steps of a copy of the model, for the current choice."""
        found = costs.seconds_per_step(self.state, self.batch_size)
        self.seconds[self.state.trainable_units] = found

    @property
    def costs(self):
        """`costs.Costs` of what the flags say."""
        return costs.step_costs(self.state, self.batch_size)

    @property
    def status(self):
        """Whether what was compiled and the flags agree."""
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
        """Name, layers and parameters of the model."""
        found = self.state.structure
        inside = {unit.path.split("/")[0] for unit in found.units if "/" in unit.path}
        name = " and ".join(sorted(inside)) or self.model.name
        total = sum(unit.parameters for unit in found.units)
        return f"{name}: {found.n_layers} layers, {total:,} parameters"

    @property
    def count(self):
        """How many parameters the flags let train."""
        found = self.costs
        share = found.trainable / found.total
        return (
            f"trains {found.trainable:,} of {found.total:,} parameters ({share:.1%}), "
            f"{found.total - found.trainable:,} are frozen"
        )

    @property
    def gradients(self):
        """How far back the gradients go."""
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
        """How many BatchNormalization layers are in which mode."""
        found = self.costs
        training, inference = found.batchnorm_training, found.batchnorm_inference
        total = training + inference
        if not total:
            return "no such layers"
        if not training:
            return f"{total} layers, all frozen: inference mode, statistics stay"
        if not inference:
            return f"{total} layers, all in training mode: statistics move"
        return f"{training} layers in training mode, {inference} in inference mode"

    @property
    def lines(self):
        """The costs, a list of pairs of strings: what, and how much."""
        found = self.costs
        everything = costs.step_costs(self.state.preset("everything"), self.batch_size)
        share = found.flop / max(everything.flop, 1)
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
                f"{found.flop / 1e9:.2f} GFLOP ({share:.0%} of training everything)",
            ),
            (f"one epoch of {self.images:,} images", self._epoch()),
        ]

    def _epoch(self):
        seconds = self.seconds.get(self.state.trainable_units)
        if seconds is None:
            return "not measured on this machine yet"
        return f"about {seconds * self.images / self.batch_size:.2g} s, measured here"

    @property
    def code(self):
        """Keras code that sets the same flags and compiles."""
        return (
            f"{keras_code.freeze_code(self.state)}\n"
            f"{keras_code.compile_code(self.model)}"
        )

    def part_line(self, part):
        """What of a part trains, its map size, and what it consists of."""
        units = self.state.structure.units
        chosen = self.state.trainable_units.intersection(part.units)
        trains = sum(units[i].learnable for i in chosen)
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
        """All of it as HTML that needs no kernel."""
        rows = [(part.name, self.part_line(part)) for part in self.parts]
        return (
            f"<p><b>{html.escape(self.title)}</b> · {html.escape(self.status)}</p>"
            f"{self.diagram()}<p>{html.escape(self.count)}</p>"
            f"{_table(rows, '<caption>From input to output</caption>')}"
            f"{self.table()}<pre>{html.escape(self.code)}</pre>"
        )

    def table(self):
        """The costs as an HTML table."""
        return _table(self.lines)

    def diagram(self):
        """The model from left to right as SVG."""
        return freeze_diagram(self.state, self.costs.passed, self.gradients)


def _table(rows, caption=""):
    cell = "style='text-align:left; padding: 1px 8px'"
    body = "".join(
        f"<tr><th scope='row' {cell}>{html.escape(what)}</th>"
        f"<td {cell}>{html.escape(text)}</td></tr>"
        for what, text in rows
    )
    return f"<table>{caption}{body}</table>"
