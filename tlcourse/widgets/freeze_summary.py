"""What the freeze panel says about a model, in words and as HTML."""

import html

import keras

from tlcourse.data.folder_report import printable
from tlcourse.models import costs, freeze_state, freezing, keras_code
from tlcourse.widgets.freeze_diagram import freeze_diagram
from tlcourse.widgets.html_images import as_text, table


class FreezeSummary:
    """A model, what of it trains, and what that costs, for epochs of `images`.

    The model's flags are the truth: the summary reads them.
    """

    def __init__(self, model, images, batch_size):
        self.model, self.state = model, freeze_state.read_state(model)
        self.parts = self.state.structure.parts
        self.images, self.batch_size = images, batch_size
        self.seconds = {}  # of a step, by the units that train
        self.refresh()

    def refresh(self):
        """Reads the flags of the model again: code may have changed them."""
        self.state = freeze_state.read_state(self.state.structure)
        everything = self.state.preset("everything")
        self.costs, most = (
            costs.step_costs(state, self.batch_size)
            for state in (self.state, everything)
        )
        self.share = self.costs.flop / max(most.flop, 1)  # of training everything

    def measure(self):
        """Times training steps of a copy of the model, for the current choice."""
        found = costs.seconds_per_step(self.state, self.batch_size)
        self.seconds[self.state.trainable_units] = found

    @property
    def units(self):
        """The layers of each part for the picture: position, name, numbers."""
        units = self.state.structure.units
        learn = [[i for i in p.units if units[i].learnable] for p in self.parts]
        name = [printable(unit.layer.name) for unit in units]
        return [[[i, name[i], units[i].learnable] for i in each] for each in learn]

    def shown(self, moved):
        """What the picture shows, in plain numbers and strings.

        `moved` has a `structure.Movement` for each part, or None.
        """
        found, parts = self.costs, zip(self.parts, moved, strict=True)
        return {
            "title": printable(self.title),
            "status": self.status,
            "ready": self.status == "compiled as shown",
            "parts": [self._part(*each) for each in parts],
            "trains": found.trainable,
            "total": found.total,
            "flop": found.flop,
            "share": self.share,
            "images": self.batch_size,
            "lines": [*self.lines[:3], self.lines[4]],
            "norms": self.state.batchnorm_trains,
            "most": max(1, len(self.state.base_parts)),
            "on": sorted(self.state.trainable_units),
            "code": self.code,
        }

    def _part(self, part, moved):
        return {
            "name": printable(part.name),
            "shows": self.state.shows(part),
            "numbers": self.state.structure.parameters(part),
            "note": printable(self.part_line(part)),
            "passed": bool(self.costs.passed & set(part.units)),
            "normed": bool(self.state.norms & set(part.units)),
            "moved": moved and moved.weights,
            "averages": moved and moved.averages,
        }

    @property
    def choice(self):
        """The choice in a few words, to tell runs apart."""
        trains = [p.name for p in self.parts if self.state.shows(p) != "frozen"]
        name = " + ".join(trains) if len(trains) < 4 else f"{trains[0]} to {trains[-1]}"
        return f"{printable(name)}{', BatchNorm too' * self.state.batchnorm_trains}"

    @property
    def status(self):
        """Whether what was compiled and the flags agree."""
        found = freezing.trains(self.model)
        if not found.compiled:
            return "not compiled yet"
        if not found.stale:
            return "compiled as shown"
        until = f" (until then, fit trains {found.parameters:,} numbers)"
        on_tensorflow = keras.backend.backend() == "tensorflow"
        return f"changed since compile: compile again{until if on_tensorflow else ''}"

    @property
    def title(self):
        """Name, layers and parameters of the model."""
        found = self.state.structure
        inside = {unit.path.split("/")[0] for unit in found.units if "/" in unit.path}
        name = " and ".join(sorted(inside)) or self.model.name
        return f"{name}: {found.n_layers} layers, {self.costs.total:,} parameters"

    @property
    def count(self):
        """How many parameters the flags let train."""
        trainable, total = self.costs.trainable, self.costs.total
        return (
            f"trains {trainable:,} of {total:,} parameters ({trainable / total:.1%}), "
            f"{total - trainable:,} are frozen"
        )

    @property
    def lines(self):
        """The costs, a list of pairs of strings: what, and how much."""
        found = self.costs
        optimizer, kept = found.optimizer_bytes / 1e6, found.activation_bytes / 1e6
        memory = f"{optimizer:.1f} MB optimizer, {kept:.1f} MB activations"
        step = f"{found.flop / 1e9:.2f} GFLOP ({self.share:.0%} of training everything)"
        return [
            ("gradients go", self._gradients()),
            ("BatchNorm", self._batchnorm()),
            ("memory besides the weights", memory),
            (f"one step of {self.batch_size} images", step),
            (f"one epoch of {self.images:,} images", self._epoch()),
        ]

    def _gradients(self):
        passed = self.costs.passed
        reached = [part.name for part in self.parts if passed & set(part.units)]
        if not reached:
            return "nothing trains, so no gradients are computed"
        return f"from the output back to {reached[0]}, where they stop"

    def _batchnorm(self):
        found = self.costs
        training, inference = found.batchnorm_training, found.batchnorm_inference
        modes = f"{training} layers in training mode: statistics move; {inference} in "
        return f"{modes}inference mode" if training + inference else "no such layers"

    def _epoch(self):
        seconds = self.seconds.get(self.state.trainable_units, 0)
        whole = seconds * self.images / self.batch_size
        said = f"about {whole:.2g} s, estimated from a few steps timed here"
        return said if seconds else "not timed on this machine yet"

    @property
    def code(self):
        """Keras code that sets the same flags and compiles."""
        compiles = keras_code.compile_code(self.model)
        return f"{keras_code.freeze_code(self.state)}\n{compiles}"

    def part_line(self, part):
        """What of a part trains, its map size, and what it consists of."""
        units = self.state.structure.units
        chosen = self.state.trainable_units.intersection(part.units)
        trains = sum(units[i].learnable for i in chosen)
        total = self.state.structure.parameters(part)
        shown = self.state.shows(part).replace("partly", "partly trains")
        size = f", {part.size} px" if part.size and part.size > 1 else ""
        note = f", {part.note}" if part.note != part.name else ""
        return f"{shown}: {trains:,} of {total:,} parameters{size}{note}"

    def _all_lines(self):
        return [*((p.name, self.part_line(p)) for p in self.parts), *self.lines]

    def __repr__(self):
        lines = [f"  {what}: {text}" for what, text in self._all_lines()]
        return "\n".join([f"{self.title} · {self.status}", f"  {self.count}", *lines])

    def html(self):
        """All of it as HTML that needs no kernel."""
        diagram = freeze_diagram(self.state, self.costs.passed, self._gradients())
        return (
            f"<p><b>{as_text(self.title)}</b> · {as_text(self.status)}</p>"
            f"{diagram}<p>{as_text(self.count)}</p>"
            f"{table(self._all_lines())}<pre>{html.escape(self.code)}</pre>"
        )
