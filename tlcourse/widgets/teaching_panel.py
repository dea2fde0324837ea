"""The teaching panel: give examples of your own classes, and watch it learn."""

import pathlib

import ipywidgets

from tlcourse.data import save_folder
from tlcourse.teachable import names
from tlcourse.widgets import html_images
from tlcourse.widgets.image_inputs import Cards
from tlcourse.widgets.image_source import ImageSource
from tlcourse.widgets.view import WRAP, View, model_lock, shows_errors

AT_ONCE = 24  # images that are predicted and shown
SHOWN, SIDE = 4, 36  # examples on a card, and their size on the screen
HELD = 1000  # frames that a held button may take
HELP = (
    "Make a class, draw, and press its button. With two classes it begins to answer, "
    "always before it is told."
)


class TeachingPanel(View):
    """View of a `GrowingClassifier`: it predicts each image, then learns its class.

    An image comes from a pad, which also takes ready-made drawings, from the camera,
    or from files. What was taken out or dropped can be brought back. `Save` writes
    what was taught into a new folder.

    Args:
        classifier: `GrowingClassifier`.
    """

    def __init__(self, classifier):
        super().__init__()
        self.lock = model_lock()  # the cell that runs may teach it, too
        self.classifier, self.images = classifier, []
        self.recording = None  # a class, and how many more frames it takes
        self.removed = None  # the examples before and after the last removal
        self.source, self.cards = ImageSource(self, classifier.size), Cards()
        self.cards.on_msg(self._on_message)
        self.seen, self.found = ipywidgets.HTML(), ipywidgets.HTML()
        self.score = ipywidgets.HTML()
        side = ipywidgets.VBox([self.seen, self.found, self.score])
        side.layout = {"width": "200px", "max_height": "420px", "overflow": "auto"}
        wide = {"flex": "1 1 300px", "width": "auto"}
        cards = ipywidgets.Box([self.cards], layout={**wide, "display": "block"})
        columns = ipywidgets.HBox([self.source.box, side, cards], layout=WRAP)
        self.box = ipywidgets.VBox([columns, self.message])
        self.say(HELP)
        self.source.show_inputs()
        self.refresh()

    @shows_errors
    def do(self, what, *values):
        """Does what a control of the cards stands for, and shows how it ended.

        `"new"`, `"add"` or `"drop"`, a class; `"take_out"`, class and position;
        `"rename"`, old and new; `"hold"`, class and whether the button is held;
        `"back"`; `"save"`.
        """
        actions = {
            "new": self._new,
            "add": self._add,
            "take_out": lambda *x: self._remove(self.classifier.remove, *x),
            "drop": lambda name: self._remove(self.classifier.remove_class, name),
            "rename": self._rename,
            "hold": self._hold,
            "back": self._bring_back,
            "save": self._save,
        }
        is_late = what not in ("new", "back", "save") and (
            values[0] not in self.classifier.examples
        )
        if is_late:  # another click has dropped the class
            self.refresh()
            self.say(f"There is no class {values[0]} any more.")
        else:
            actions[what](*values)

    def show_images(self, images):
        """Shows images as the network sees them, and what it predicts."""
        self.images = images
        n, shown = len(images), images[:AT_ONCE]
        predictions = [self.classifier.predict(image) for image in shown]
        if n == 1:
            alt = "The picture as the network sees it"
            self.seen.value = html_images.thumbnail(images[0], 96, alt)
            self.found.value = html_images.prediction_bars(predictions[0])
        else:
            first = f", the first {AT_ONCE} of them below" if n > AT_ONCE else ""
            text = f"{n} pictures{first}" if n else "No picture yet"
            self.seen.value = f"<p>{text}.</p>"
            self.found.value = html_images.captioned_thumbnails(shown, predictions)
        self._show_cards()

    def _new(self, name):
        if problem := names.problem_of(name, self.classifier.examples):
            self.say(problem)
            return
        self.classifier.add_class(name)
        self.cards.send({"clear": True})
        self.refresh()
        self.say(HELP)

    def _add(self, name):
        """Adds the images to a class, and with the camera those to come."""
        if self.images:
            way = self.source.way.value  # a click may change it meanwhile
            frames = self.source.frames.value if way == "camera" else 1
            self.add_images(name, frames)
            self.source.clear(way)

    def _hold(self, name, is_held):
        """Adds the camera's frames to a class for as long as its button is held."""
        if not is_held:
            self.recording = None
            self.say(f"Stopped adding to {name}.")
        elif self.source.way.value == "camera" and self.images:
            self.add_images(name, HELD)
        else:
            self._add(name)

    def add_images(self, name, frames, counts=True):
        """Adds the images to a class, which then waits for the other frames.

        Of those, the first counts as one answer before it was told.
        """
        self.recording = None  # also where the next line fails
        seconds = self.classifier.add(name, *self.images, counts=counts)
        self._show_training(seconds)
        if frames > 1:
            self.recording = name, frames - 1
            more = "until you let go" if frames > 900 else f"{frames - 1} more to come"
            self.say(f"Adding to {name}: {more}.")

    def _remove(self, remove, *what):
        self.recording, before = None, self.classifier.examples
        seconds = remove(*what)
        self.removed = before, self.classifier.examples
        self._show_training(seconds)

    def _bring_back(self):
        if self._can_bring_back():
            self.classifier.examples = self.removed[0]
            self._show_training(self.classifier.train())

    def _can_bring_back(self):
        """Only as long as nothing else has changed."""
        return bool(self.removed and self.classifier.examples is self.removed[1])

    def _rename(self, old, new):
        self.recording = None
        problem = names.problem_of(new, self.classifier.examples.keys() - {old})
        if not problem:
            self.classifier.rename_class(old, new)
        self.refresh()
        self.say(problem or HELP)

    def _save(self):
        """Writes examples and network into a folder that is not there yet."""
        taught = self.classifier.dataset()
        free = ("taught", *(f"taught-{k}" for k in range(2, 1000)))
        folder = next(p for p in map(pathlib.Path, free) if not p.exists())
        save_folder(taught, folder / "photos")
        self.classifier.model().save(folder / "network.keras")
        self.say(
            f"Saved: {len(taught)} examples in {folder}/photos, for load_folder, and "
            f"{folder}/network.keras. Its outputs are {', '.join(taught.class_names)}."
        )

    def _show_training(self, seconds):
        self.say(f"Learnt anew, in {seconds:.1f} s." if seconds else HELP)
        self.refresh()

    def refresh(self):
        """Shows the classifier as it is, also after code has changed it."""
        answered = self.classifier.first_predictions if self.classifier.examples else []
        self.score.value = _score(answered)
        if self.images:
            self.show_images(self.images)
        else:
            self._show_cards()

    def _show_cards(self):
        examples = self.classifier.examples
        ready = sum(map(bool, examples.values())) > 1
        self.cards.shown = {
            "cards": [self._card(*each) for each in examples.items()],
            "can_bring_back": self._can_bring_back(),
            "can_save": ready,
        }

    def _card(self, name, had):
        last = list(enumerate(had))[-SHOWN:]
        images = [[k, html_images.data_url(each.image, SIDE)] for k, each in last]
        said = f"{len(had)} example{'s' * (len(had) != 1)} of {name}"
        ready = bool(self.images)
        return {"name": name, "examples": images, "said": said, "ready": ready}

    def __repr__(self):
        examples = self.classifier.examples.items()
        counts = ", ".join(f"{name} ({len(had)})" for name, had in examples)
        return f"Teaching panel. Classes and their examples: {counts or 'none yet'}."

    def _repr_html_(self):
        rows = "".join(map(_card_html, self.cards.shown["cards"]))
        return f"<p>{html_images.as_text(repr(self))}</p>{rows}{self.score.value}"


def _card_html(card):
    images = (
        html_images.image_html(source, f"{card['name']}, example {k + 1}", SIDE)
        for k, source in card["examples"]
    )
    return f"<p>{html_images.as_text(card['said'])}</p>{''.join(images)}"


def _score(predictions):
    n, right = len(predictions), sum(a == b for a, b in predictions)
    said = f"<p>Before it was told, it was right {right} times of {n}.</p>"
    return said if n else ""
