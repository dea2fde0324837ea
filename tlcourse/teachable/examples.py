"""Classes and their examples, as somebody collects them, in an immutable set."""

import dataclasses

LONGEST_NAME = 40


@dataclasses.dataclass(frozen=True)
class ExampleSet:
    """Classes in the order in which they came: pairs of a name and its examples."""

    classes: tuple = ()

    @property
    def class_names(self):
        """The names of the classes, a tuple of strings."""
        return tuple(name for name, _ in self.classes)

    @property
    def counts(self):
        """The number of examples of each class, a dict."""
        return {name: len(examples) for name, examples in self.classes}

    def of(self, name):
        """The examples of one class, a tuple."""
        self._check(name)
        return dict(self.classes)[name]

    def with_class(self, name):
        """A set with one more class, still empty; the name must be new."""
        return ExampleSet((*self.classes, (self._new_name(name), ())))

    def with_renamed_class(self, old, new):
        """A set in which a class has another name, in the same place."""
        self._check(old)
        new = old if str(new).strip() == old else self._new_name(new)
        return ExampleSet(
            tuple((new if name == old else name, had) for name, had in self.classes)
        )

    def without_class(self, name):
        """A set without a class and its examples."""
        self._check(name)
        return ExampleSet(tuple(each for each in self.classes if each[0] != name))

    def with_example(self, name, example):
        """A set with one more example at the end of a class."""
        return self._with_examples(name, (*self.of(name), example))

    def without_example(self, name, position):
        """A set without one example; positions count from 0, and -1 is the last."""
        had = list(self.of(name))
        if not -len(had) <= position < len(had):
            raise ValueError(
                f"Expected an example of `{name}`, which has {len(had)}. Received: "
                f"position {position}"
            )
        del had[position]
        return self._with_examples(name, tuple(had))

    def _with_examples(self, name, examples):
        changed = ((n, examples if n == name else had) for n, had in self.classes)
        return ExampleSet(tuple(changed))

    def _check(self, name):
        if name not in self.class_names:
            known = ", ".join(self.class_names) or "none yet"
            raise ValueError(f"Expected a class ({known}). Received: {name!r}")

    def _new_name(self, name):
        stripped = " ".join(str(name).split())
        if not 0 < len(stripped) <= LONGEST_NAME:
            raise ValueError(
                f"Expected a name of 1 to {LONGEST_NAME} characters. Received: {name!r}"
            )
        if stripped in self.class_names:
            raise ValueError(f"Expected a new name. Received: {stripped!r}, taken.")
        return stripped
