"""Takes README's moving picture: two symbols drawn, and the network answers.

make picture

The panel is the real one, as on the course's pages; a mouse draws.
"""

import io
import pathlib
import tempfile

import lab
import numpy as np
from PIL import Image

from tlcourse.widgets import pictures

HERE = pathlib.Path(__file__).resolve().parent
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Teach it</title><link rel="stylesheet" href="pictures.css">
<script src="teach.js" defer></script>
<style>body { font: 1rem system-ui; margin: 14px; background: white }</style></head>
<body><div data-picture="teach" data-seed="1"></div></body></html>"""
# Strokes in a square of side 1, as a hand might draw them.
HOUSE = [
    [(0.25, 0.5), (0.25, 0.85), (0.75, 0.85), (0.75, 0.5)],
    [(0.15, 0.55), (0.5, 0.15), (0.85, 0.55)],
    [(0.45, 0.85), (0.45, 0.65), (0.58, 0.65), (0.58, 0.85)],
]
ROUND = np.linspace(0.15, 2 * np.pi + 0.15, 14)
FISH = [
    [(0.45 + 0.3 * np.cos(t), 0.5 + 0.19 * np.sin(t)) for t in ROUND],
    [(0.74, 0.47), (0.93, 0.3), (0.93, 0.7), (0.74, 0.55)],
    [(0.3, 0.45), (0.32, 0.46)],
]
SYMBOLS = {"house": HOUSE, "fish": FISH}
MILLISECONDS, WIDTH = 110, 640


class Film:
    """Frames of a page, gathered while a mouse draws on its pad."""

    def __init__(self, page):
        self.page, self.frames = page, []
        self.pad = page.locator("canvas").first
        self.rng = np.random.default_rng(1)

    def take(self, times=1):
        """Adds the page as it looks now, for so many frames."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        self.frames += [picture.resize(size, Image.Resampling.LANCZOS)] * times

    def draw(self, strokes, every):
        """Draws with a trembling hand; a frame after `every` points."""
        box, mouse = self.pad.bounding_box(), self.page.mouse
        turn = self.rng.normal(0, 0.06)
        for stroke in strokes:
            for k, (x, y) in enumerate(self._between(stroke, turn)):
                mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
                if k == 0:
                    mouse.down()
                if k % every == every - 1:
                    self.take()
            mouse.up()
        self.page.wait_for_timeout(250)
        self.take()

    def _between(self, stroke, turn):
        points = np.array(stroke) + self.rng.normal(0, 0.008, (len(stroke), 2)) - 0.5
        turned = points @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
        steps = [np.linspace(a, b, 6) for a, b in zip(turned, turned[1:], strict=False)]
        return 0.5 + np.concatenate(steps)

    def tell(self, name):
        """Says which symbol this is."""
        self.page.get_by_role("button", name=f"This is {name}", exact=True).click()
        self.page.wait_for_timeout(250)
        self.take(2)


def main():
    """Opens the panel, draws and tells, and writes teach.gif and a still of it."""
    with tempfile.TemporaryDirectory() as folder, lab.browse(760, 560) as page:
        files = {"index.html": PAGE, **pictures.page_files()}
        for name, text in files.items():
            pathlib.Path(folder, name).write_text(text, "utf-8")
        page.goto(pathlib.Path(folder, "index.html").as_uri())
        for number, name in enumerate(SYMBOLS, 1):
            field = page.get_by_label(f"Name of symbol {number}")
            field.fill(name)
            field.press("Tab")
        film = Film(page)
        for turn in range(2):
            for name, strokes in SYMBOLS.items():
                film.draw(strokes, every=6 if turn == 0 else 12)
                film.tell(name)
        for strokes in SYMBOLS.values():
            film.draw(strokes, every=3)
            film.take(12)
            page.get_by_role("button", name="Clear pad").click()
    film.frames[-1].save(HERE / "teach.png")
    few = [frame.quantize(64, dither=Image.Dither.NONE) for frame in film.frames]
    more = {"save_all": True, "append_images": few[1:], "duration": MILLISECONDS}
    few[0].save(HERE / "teach.gif", loop=0, optimize=True, **more)


if __name__ == "__main__":
    main()
