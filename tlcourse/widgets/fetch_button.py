"""A button that fetches what the flowers track needs."""

import ipywidgets

from tlcourse.course import fetch
from tlcourse.widgets.html_images import as_text
from tlcourse.widgets.view import View, button, shows_errors


class FetchButton(View):
    """A button that fetches what the flowers track needs, and a progress bar.

    Without widgets, `python -m tlcourse fetch flowers` does the same.
    """

    def __init__(self):
        super().__init__()
        self.button = button("Fetch the photographs", self._on_click)
        self.button.tooltip = "Downloads weights and photographs for the flowers track"
        self.bar = ipywidgets.IntProgress(max=100, description="done")
        self.caption = ipywidgets.HTML()  # wraps, a Label does not
        self.box = ipywidgets.VBox([self.button, self.bar, self.caption, self.message])
        self._show()

    def _show(self, problem=""):
        needs = len(fetch.missing())
        self.button.disabled = needs == 0
        self.bar.value = 0 if needs else 100
        parts = f"{needs} of {len(fetch.FILES) + 1} parts, 230 MB in all"
        said = f"Still missing: {parts}." if needs else "All is here for the flowers."
        self._tell(problem or said)

    @shows_errors
    def _on_click(self, _):
        self.button.disabled, problem = True, ""
        try:
            fetch.fetch_flowers(self._report)
        except ConnectionError as error:
            problem = str(error)
        finally:  # whatever went wrong, one may try again
            self._show(problem)

    def _report(self, what, done, total):
        self.bar.value = round(100 * done / total) if total else 0
        self._tell(f"{what}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    def _tell(self, text):
        self.told, self.caption.value = text, as_text(text)

    def __repr__(self):
        said = f"Button: {self.button.description}. {self.told}"
        return f"{said} Without widgets: python -m tlcourse fetch flowers"
