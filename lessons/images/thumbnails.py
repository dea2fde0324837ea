"""Makes the small pictures of the course map from the figures of the slides.

make picture

Their words come from the deck, shortened to the first sentence.
"""

import io
import json
import pathlib
import re

import lab
import matplotlib.pyplot as plt
from PIL import Image

from tlcourse import plots
from tlcourse.data import words

HERE = pathlib.Path(__file__).resolve().parent
SLIDES = HERE.parent.parent / "slides"
FIGURES = {
    "00": "touch_teach.png",
    "01": "digits.png",
    "02": "networks.svg",
    "03": "answers.png",
    "04": "neighbours.png",
    "05": "touch_freeze.png",
    "06": "wrappers.svg",
    "07": "labels.svg",
    "08": "sketch.svg",
    "09": "grid.svg",
    "10": "walk.png",
    "11": "transfer.svg",
    "12": "scales.svg",
    "13": "../../lessons/images/teach.png",
    "14": "extraction.svg",
}
# What the deck does not have, and what its first sentence does not say.
WORDS = {
    "06": "Two bars: parameters of a wrapper with Flatten, and with pooling",
    "12": "Bars of the share of right answers for three ways to scale pixels",
    "13": "A drawn fish, two cards named house and fish, and the answer: fish",
    "15": "Bits per character of new Keras, by what was shown and what trained",
}
WIDTH, HEIGHT = 320, 200


def as_seen(page, path):
    """A figure as Chromium draws it, on white: a PIL image."""
    page.goto(path.as_uri())
    page.evaluate("document.documentElement.style.background = 'white'")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def framed(picture):
    """The picture made to fit, in the middle of white paper."""
    box = Image.eval(picture.convert("L"), lambda x: 255 * (x < 250)).getbbox()
    picture = picture.crop(box)
    picture.thumbnail((WIDTH - 16, HEIGHT - 16), Image.Resampling.LANCZOS)
    paper = Image.new("RGB", (WIDTH, HEIGHT), "white")
    place = (WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2
    paper.paste(picture, place)
    return paper.quantize(128)


def lesson_15():
    """The figure of lesson 15, which has none on a slide: a PIL image."""
    figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
    names = ("head", "LoRA", "everything", "scratch")
    tables = {name: words.load_measurements(name, "keras") for name in names}
    base = words.load_measurements("base", "keras")[1].item()
    plots.by_size(tables, base, ylabel="bits per character", ax=ax)
    file = io.BytesIO()
    figure.savefig(file, facecolor="white")
    return Image.open(file).convert("RGB")


def main():
    """Writes thumbnails/NN.png, and their words."""
    deck = (SLIDES / "deck.md").read_text("utf-8")
    told = {"15": WORDS["15"]}
    framed(lesson_15()).save(HERE / "thumbnails" / "15.png", optimize=True)
    with lab.browse(1280, 800) as page:
        for number, name in FIGURES.items():
            path = SLIDES / "figures" / name
            is_png = path.suffix == ".png"
            picture = Image.open(path) if is_png else as_seen(page, path)
            if is_png and picture.mode != "RGB":
                alone = picture.convert("RGBA")
                picture = Image.new("RGB", alone.size, "white")
                picture.paste(alone, mask=alone)
            framed(picture).save(HERE / "thumbnails" / f"{number}.png", optimize=True)
            said = re.search(rf"!\[([^\]]+)\]\(figures/{re.escape(name)}\)", deck)
            told[number] = WORDS.get(number) or re.split(r"[.:] ", said[1])[0]
    text = json.dumps(dict(sorted(told.items())), indent=1, ensure_ascii=False) + "\n"
    (HERE / "thumbnails" / "words.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
