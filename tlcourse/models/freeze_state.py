"""What of a model trains: read, changed, applied, written as Keras code."""

import dataclasses

from tlcourse.models import freezing, structure

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
    """Which layers train. Changing it gives a new state; `apply` sets the flags.

    Args:
        structure: `structure.Structure`.
        free: frozenset of integers, the units that train.
    """

    structure: structure.Structure
    free: frozenset

    def with_unit(self, unit, free):
        """The state in which one layer trains, or does not.

        Args:
            unit: Integer, position in `structure.units`.
            free: Boolean.

        Returns:
            `FreezeState`.
        """
        return self._with(self.free | {unit} if free else self.free - {unit})

    def with_part(self, part, free):
        """The state in which a whole part trains, or does not.

        Its BatchNormalization layers train along if others do already.

        Args:
            part: `structure.Part`.
            free: Boolean.

        Returns:
            `FreezeState`.
        """
        others = self.free - set(part.units)
        chosen = self._chosen([part], self.awake)
        return self._with(others | chosen if free else others)

    def with_batchnorm(self, awake):
        """Wakes the BatchNormalization layers of what trains, or freezes all.

        Args:
            awake: Boolean.

        Returns:
            `FreezeState`.
        """
        free = self.free - self._norms()
        if awake:
            parts = [p for p in self.structure.parts if free & set(p.units)]
            free |= {i for p in parts for i in p.units} & self._norms()
        return self._with(free)

    def preset(self, name, n=2):
        """A usual choice. Only `"everything"` wakes BatchNormalization.

        Args:
            name: One of `PRESETS`.
            n: Integer from 1, for `"last stages"`, counted from the output.

        Returns:
            `FreezeState`.

        Raises:
            ValueError: If there is no such preset, or not so many stages.
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
            "all but BatchNorm": everything - self._norms(),
            "everything": everything,
        }
        if name not in choices:
            raise ValueError(
                f"Expected one of {', '.join(PRESETS)}. Received: {name!r}"
            )
        return self._with(choices[name])

    @property
    def awake(self):
        """Boolean, whether any BatchNormalization layer trains."""
        return bool(self.free & self._norms())

    @property
    def head_parts(self):
        """list of `Part`, one or none: the wrapper, or a network's own top."""
        parts = self.structure.parts
        if all(part.size is None for part in parts):  # no stages: the last layer
            return [*parts[-1:]]
        return [p for p in parts if p.name in ("head", "top")][-1:]

    @property
    def base_parts(self):
        """list of `Part`: the stages of the base."""
        outside = self.head_parts
        parts = self.structure.parts
        return [p for p in parts if p not in outside and p.name != "before the base"]

    @property
    def trainable(self):
        """Integer, numbers that get gradients, once it is compiled."""
        return sum(self.structure.units[i].learnable for i in self.free)

    def shows(self, part):
        """What a part's checkbox says.

        Args:
            part: `structure.Part`.

        Returns:
            `"trains"`, `"partly"` or `"frozen"`. A part trains if all its layers
            do; frozen BatchNormalization layers do not spoil it.
        """
        useful = {i for i in part.units if self.structure.units[i].learnable}
        plain = useful - self._norms()
        if useful and (plain or useful) <= self.free:
            return "trains"
        return "partly" if self.free & set(part.units) else "frozen"

    def apply(self):
        """Sets the flags of the model's layers. Compile the model afterwards."""
        free = {id(self.structure.units[i].layer) for i in self.free}
        _apply(self.structure.model, free, outermost=True)

    def code(self):
        """Keras code that sets the same flags, whatever they were before.

        Returns:
            String; it speaks of `model`, and of `keras` where it has to.
        """
        return "\n".join(_code(self, self.structure.model, "model"))

    def _with(self, free):
        # A layer without anything to learn has a flag of no meaning.
        units = self.structure.units
        useful = frozenset(i for i in free if units[i].learnable)
        return dataclasses.replace(self, free=useful)

    def _norms(self):
        units = enumerate(self.structure.units)
        return {i for i, unit in units if unit.is_batchnorm}

    def _chosen(self, parts, awake=False):
        each = (frozenset(p.units) for p in parts)
        chosen = (p if awake else p - self._norms() or p for p in each)
        return frozenset().union(*chosen)


def read(model):
    """Reads what would train if the model were compiled now.

    Args:
        model: `keras.Model`, see `structure.read`; or a `Structure`.

    Returns:
        `FreezeState`.

    Raises:
        ValueError: See `structure.read`; or if of one layer a part trains.
    """
    known = isinstance(model, structure.Structure)
    found = model if known else structure.read(model)
    trains = {id(weight) for weight in found.model.trainable_weights}
    units = enumerate(found.units)
    free = frozenset(i for i, unit in units if _is_free(unit, trains))
    return FreezeState(found, free)


def _is_free(unit, trains):
    numbers = freezing.count(w for w in unit.layer.weights if id(w) in trains)
    if numbers not in (0, unit.learnable):
        raise ValueError(
            "Expected layers that train as a whole or not at all. Received: "
            f"{unit.path!r}, of which {numbers:,} of {unit.learnable:,} numbers train "
            "(low-rank adaptation, or flags set inside the layer). Set its "
            "`trainable` to False and then to True, or go on without the panel."
        )
    return numbers > 0


def _apply(model, free, outermost=False):
    inside = {id(unit.layer) for unit in structure.units_of(model)}
    # First the model, whose flag overwrites those of its layers.
    model.trainable = outermost or bool(inside & free)
    for layer in model.layers:
        if structure.is_graph(layer):
            _apply(layer, free)
        elif layer.weights:
            # Keras on TensorFlow skips a flag that does not change, and then
            # what is inside a layer keeps its own.
            layer.trainable = id(layer) not in free
            layer.trainable = id(layer) in free


def _code(state, model, name):
    """Lines for a model and the models in it."""
    free = {id(state.structure.units[i].layer) for i in state.free}
    rows = [
        (place, layer, id(layer) in free)
        for place, layer in enumerate(model.layers)
        if structure.learnable(layer) and not structure.is_graph(layer)
    ]
    inner = [x for x in model.layers if structure.is_graph(x) and x.weights]
    lines = []
    if inner and len(rows) <= 4:  # a wrapper: name its few layers
        lines.append(f"{name}.trainable = {name == 'model' or _trains(model, free)}")
        for _, layer, trains in rows:
            lines.append(f"{name}.get_layer({layer.name!r}).trainable = {trains}")
    elif rows:
        lines += _loop(name, rows, name == "model" or _trains(model, free))
    for number, nested in enumerate(inner, start=1):
        called = "base" if name == "model" else f"{name}_inner"
        called += f"_{number}" if len(inner) > 1 else ""
        lines.append(f"{called} = {name}.get_layer({nested.name!r})")
        lines += _code(state, nested, called)
    return lines


def _trains(model, free):
    return any(id(unit.layer) in free for unit in structure.units_of(model))


def _loop(name, rows, any_trains):
    """The shortest of: one value, ranges of positions, names."""
    norms = [trains for _, layer, trains in rows if freezing.is_batchnorm(layer)]
    asleep = any_trains and 0 < len(norms) < len(rows) and not any(norms)
    decisive = [
        (place, trains)
        for place, layer, trains in rows
        if not (asleep and freezing.is_batchnorm(layer))
    ]
    ranges = _ranges(decisive)
    start = f"{name}.trainable = {any_trains}"
    if len(ranges) > 3:
        names = [layer.name for _, layer, trains in rows if trains]
        return [start, *_by_name(name, names)]
    return [start, *_by_position(name, ranges, asleep)]


def _by_position(name, ranges, asleep):
    norm = "isinstance(layer, keras.layers.BatchNormalization)"
    if not any(ranges):  # the same for all
        value = f"not {norm}" if asleep else bool(ranges)
        return [f"for layer in {name}.layers:", f"    layer.trainable = {value}"]
    loop = f"for position, layer in enumerate({name}.layers):"
    chosen = " or ".join(ranges)
    if not asleep:
        return [loop, f"    layer.trainable = {chosen}"]
    flag = f"    layer.trainable = chosen and not {norm}"
    return [loop, f"    chosen = {chosen}", flag]


def _ranges(decisive):
    """Runs of positions that train, as conditions; an empty one is all of them."""
    runs, before = [], False
    for place, trains in decisive:
        if trains and not before:
            runs.append([place, None])
        if before and not trains:
            runs[-1][1] = place
        before = trains
    first = decisive[0][0]
    return [_condition(None if a == first else a, b) for a, b in runs]


def _condition(start, end):
    if start is None:
        return f"position < {end}" if end is not None else ""
    if end is None:
        return f"position >= {start}"
    return f"{start} <= position < {end}"


def _by_name(name, names):
    return [
        "trains = {",
        *(f"    {each!r}," for each in names),
        "}",
        f"for layer in {name}.layers:",
        "    layer.trainable = layer.name in trains",
    ]
