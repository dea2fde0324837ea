"""What of a model trains: read from its flags, changed, and set again."""

import dataclasses

from tlcourse.models import freezing, nesting, structure

PRESETS = (
    "freeze everything",
    "head only",
    "last stage",
    "last stages",
    "all but BatchNorm",
    "everything",
)


@dataclasses.dataclass(frozen=True)
class FreezeState:
    """Which layers train, by position in `structure.units`; `apply` sets the flags."""

    structure: structure.Structure
    trainable_units: frozenset

    def with_unit(self, unit, trains):
        """The state in which one layer, by its position, trains or does not."""
        others = self.trainable_units - {unit}
        return self._with(others | {unit} if trains else others)

    def with_part(self, part, trains):
        """The state in which a whole `Part` trains, or does not.

        Its BatchNormalization layers train along if others do already.
        """
        others = self.trainable_units - set(part.units)
        chosen = self._chosen([part], self.batchnorm_trains)
        return self._with(others | chosen if trains else others)

    def from_part(self, position):
        """The state in which the parts from this position on train, and no others.

        Their BatchNormalization layers train along if others do already.
        """
        parts = self.structure.parts[position:]
        return self._with(self._chosen(parts, self.batchnorm_trains))

    def with_batchnorm(self, trains):
        """The state in which BatchNormalization trains beside others, or nowhere."""
        chosen = self.trainable_units - self.norms
        if trains:
            parts = [p for p in self.structure.parts if chosen & set(p.units)]
            chosen |= {i for p in parts for i in p.units} & self.norms
        return self._with(chosen)

    def preset(self, name, n=2):
        """One of `PRESETS`; only "everything" has BatchNormalization in training mode.

        `n` is for "last stages", counted from the output. Raises ValueError if there
        is no such preset, or not so many stages.
        """
        stages, head = self.base_parts, self.head_parts
        if name == "last stages" and stages and not 1 <= n <= len(stages):
            raise ValueError(
                f"Expected from 1 to {len(stages)} stages, as the base has. "
                f"Received: {n}"
            )
        everything = frozenset(range(len(self.structure.units)))
        choices = {
            "freeze everything": frozenset(),
            "head only": self._chosen(head),
            "last stage": self._chosen([*stages[-1:], *head]),
            "last stages": self._chosen([*stages[-n:], *head]),
            "all but BatchNorm": everything - self.norms,
            "everything": everything,
        }
        if name not in choices:
            raise ValueError(
                f"Expected one of {', '.join(PRESETS)}. Received: {name!r}"
            )
        return self._with(choices[name])

    @property
    def batchnorm_trains(self):
        """Whether any BatchNormalization layer trains."""
        return bool(self.trainable_units & self.norms)

    @property
    def head_parts(self):
        """A list of one `Part` or none: the wrapper, or a network's own top."""
        parts = self.structure.parts
        if all(part.size is None for part in parts):  # no stages: the last layer
            return [*parts[-1:]]
        return [p for p in parts if p.name in ("head", "top")][-1:]

    @property
    def base_parts(self):
        """The `Part`s that are stages of the base."""
        outside = self.head_parts
        parts = self.structure.parts
        return [p for p in parts if p not in outside and p.name != "before the base"]

    @property
    def trainable_parameters(self):
        """How many numbers get gradients, once the model is compiled."""
        return sum(self.structure.units[i].learnable for i in self.trainable_units)

    def shows(self, part):
        """What a part's checkbox says: "trains", "partly" or "frozen".

        A part trains if all its layers do; BatchNormalization may be frozen.
        """
        useful = {i for i in part.units if self.structure.units[i].learnable}
        plain = useful - self.norms
        if useful and (plain or useful) <= self.trainable_units:
            return "trains"
        return "partly" if self.trainable_units & set(part.units) else "frozen"

    def apply(self):
        """Sets the flags of the model's layers. Compile the model afterwards."""
        freezing.set_flags(self.structure.model, self.trainable_layers)

    @property
    def trainable_layers(self):
        """The ids of the layers that train, a set."""
        return {id(self.structure.units[i].layer) for i in self.trainable_units}

    def _with(self, chosen):
        # A layer without anything to learn has a flag of no meaning.
        useful = frozenset(i for i in chosen if self.structure.units[i].learnable)
        return dataclasses.replace(self, trainable_units=useful)

    @property
    def norms(self):
        """Positions of the BatchNormalization layers, a set."""
        return {i for i, x in enumerate(self.structure.units) if x.is_batchnorm}

    def _chosen(self, parts, batchnorm=False):
        norms = set() if batchnorm else self.norms
        each = (frozenset(p.units) for p in parts)
        return frozenset().union(*(units - norms or units for units in each))


def read_state(model):
    """Reads from a `keras.Model`, or its `Structure`, what its flags let train."""
    known = isinstance(model, structure.Structure)
    found = model if known else structure.find_structure(model)
    trains = {id(weight) for weight in found.model.trainable_weights}
    units = enumerate(found.units)
    return FreezeState(found, frozenset(i for i, u in units if _trains(u, trains)))


def _trains(unit, trainable_weights):
    if any(getattr(x, "lora_enabled", 0) for x in nesting.layers_inside(unit.layer)):
        raise ValueError(
            "Expected layers that train as a whole or not at all. Received: "
            f"{unit.path!r}, of which low-rank adaptation trains a part. Go on without "
            "the panel; `freezing.unfreeze_from` keeps that choice, but to set "
            "`trainable` to True undoes it."
        )
    chosen = [w for w in unit.layer.weights if id(w) in trainable_weights]
    numbers = freezing.count(chosen)
    if numbers not in (0, unit.learnable):
        raise ValueError(
            "Expected layers that train as a whole or not at all. Received: "
            f"{unit.path!r}, of which {numbers:,} of {unit.learnable:,} numbers train, "
            "by flags set inside the layer. Set its `trainable` to False and then to "
            f"True, so that all {unit.learnable:,} train, or go on without the panel."
        )
    return numbers > 0
