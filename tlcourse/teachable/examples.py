"""Classes and their examples, as somebody collects them. Pure; changes give new ones.

Names of classes stay in the order in which they came.
"""

import dataclasses

LONGEST_NAME = 40


@dataclasses.dataclass(frozen=True)
class ExampleSet:
    """Named classes with their examples.

    Args:
        classes: tuple of pairs: a name, and a tuple of examples (any objects).
    """

    classes: tuple = ()

    @property
    def names(self):
        """tuple of strings."""
        return tuple(name for name, _ in self.classes)

    @property
    def counts(self):
        """dict, each name to the number of its examples."""
        return {name: len(examples) for name, examples in self.classes}

    def of(self, name):
        """tuple of the examples of a class.

        Raises:
            ValueError: If there is no such class.
        """
        self._check(name)
        return dict(self.classes)[name]

    def with_class(self, name):
        """The same with another class, still empty.

        Args:
            name: String; spaces around it do not count.

        Raises:
            ValueError: If the name is empty, too long, or taken.
        """
        return ExampleSet((*self.classes, (self._new_name(name), ())))

    def renamed(self, old, new):
        """The same with another name for a class.

        Raises:
            ValueError: As in `with_class`, or if there is no class `old`.
        """
        self._check(old)
        new = old if str(new).strip() == old else self._new_name(new)
        return ExampleSet(
            tuple((new if name == old else name, had) for name, had in self.classes)
        )

    def without_class(self, name):
        """The same without a class and its examples."""
        self._check(name)
        return ExampleSet(tuple(each for each in self.classes if each[0] != name))

    def with_example(self, name, example):
        """The same with one more example of a class, at its end."""
        return self._changed(name, (*self.of(name), example))

    def without_example(self, name, position):
        """The same without one example.

        Args:
            name: String.
            position: Integer, from 0; -1 is the last.

        Raises:
            ValueError: If there is no such class or example.
        """
        had = list(self.of(name))
        if not -len(had) <= position < len(had):
            raise ValueError(
                f"Expected an example of `{name}`, which has {len(had)}. Received: "
                f"position {position}"
            )
        del had[position]
        return self._changed(name, tuple(had))

    def _changed(self, name, examples):
        changed = ((n, examples if n == name else had) for n, had in self.classes)
        return ExampleSet(tuple(changed))

    def _check(self, name):
        if name not in self.names:
            known = ", ".join(self.names) or "none yet"
            raise ValueError(f"Expected a class ({known}). Received: {name!r}")

    def _new_name(self, name):
        stripped = " ".join(str(name).split())
        if not 0 < len(stripped) <= LONGEST_NAME:
            raise ValueError(
                f"Expected a name of 1 to {LONGEST_NAME} characters. Received: {name!r}"
            )
        if stripped in self.names:
            raise ValueError(f"Expected a new name. Received: {stripped!r}, taken.")
        return stripped
