"""A button that fetches what the flowers track needs."""

import html

import ipywidgets

from tlcourse.course import fetch
from tlcourse.widgets.view import View, shows_errors


class FetchButton(View):
    """A button that fetches what the flowers track needs, and a progress bar.

    Without widgets, `python -m tlcourse fetch flowers` does the same.
    """

    def __init__(self):
        super().__init__()
        self.button = ipywidgets.Button(
            description="Fetch the photographs",
            tooltip="Downloads weights and photographs for the flowers track",
            layout=ipywidgets.Layout(width="auto"),
        )
        self.bar = ipywidgets.IntProgress(max=100, description="done")
        self.caption = ipywidgets.HTML()  # wraps, a Label does not
        self.button.on_click(self._on_click)
        row = [self.button, self.bar, self.caption]
        self.box = ipywidgets.VBox([*row, self.message])
        self._say_what_is_missing()

    def _say_what_is_missing(self):
        needs = len(fetch.missing())
        self.button.disabled = needs == 0
        self.bar.value = 0 if needs else 100
        self.caption.value = (
            f"Not here yet: {needs} of {len(fetch.FILES) + 1} parts, 230 MB in all."
            if needs
            else "All is here for the flowers track."
        )

    @shows_errors
    def _on_click(self, _):
        self.button.disabled = True
        problem = None
        try:
            fetch.fetch_flowers(self._report)
        except ConnectionError as error:
            problem = html.escape(str(error))
        finally:  # whatever went wrong, one may try again
            self._say_what_is_missing()
        self.caption.value = problem or self.caption.value

    def _report(self, what, done, total):
        self.bar.value = round(100 * done / total) if total else 0
        self.caption.value = f"{what}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"

    def __repr__(self):
        return (
            f"Button: {self.button.description}. {self.caption.value} Without "
            "widgets: python -m tlcourse fetch flowers"
        )

    def _repr_html_(self):
        return f"<p>{html.escape(repr(self))}</p>"
