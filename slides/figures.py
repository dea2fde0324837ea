"""Makes every figure and number of the deck: `python slides/figures.py`.

Takes half a minute, trains nothing, and gives the same files again.
"""

import argparse
import pathlib
import sys

SLIDES = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(SLIDES), str(SLIDES.parent)]

import canvas  # noqa: E402  (the folders have to be on the path first)
import matplotlib.pyplot as plt  # noqa: E402

HEADLINES = "gpt3_sizes gpt3_epochs years".split()
CHARTS = (
    "networks where_parameters_are wrappers grid gains transfer "
    "two_reasons near_and_far"
).split()
DRAWINGS = "words workflow frozen sketch anb extraction".split()
LOOKS = "scales labels".split()
PHOTOGRAPHS = ("digits filters answers maps neighbours walk augmented exciting").split()


def names():
    """list of the files that `main` makes, in order."""
    drawn = [f"{name}.svg" for name in (*HEADLINES, *CHARTS, *DRAWINGS, *LOOKS)]
    return [*drawn, *(f"{name}.png" for name in PHOTOGRAPHS)]


def draw(module, name, ending, folder):
    """Draws the figure of a module's function; `ending` is `"svg"` or `"png"`."""
    with canvas.style():
        figure = getattr(module, name)().figure
        canvas.save(figure, f"{name}.{ending}", folder)


def main(folder=canvas.FOLDER, only=()):
    """Makes all figures and the numbers, or the figures named in `only`."""
    import tlcourse

    tlcourse.start()
    plt.rcdefaults()  # the lessons' style is for pages, not for slides
    import charts
    import drawings
    import headlines
    import looks
    import numbers_of

    work = [(headlines, name, "svg") for name in HEADLINES]
    work += [(charts, name, "svg") for name in CHARTS]
    work += [(drawings, name, "svg") for name in DRAWINGS]
    work += [(looks, name, "svg") for name in LOOKS]
    work += [(looks, name, "png") for name in PHOTOGRAPHS]
    for module, name, ending in work:
        if not only or name in only:
            draw(module, name, ending, folder)
    if not only:
        canvas.write_json(numbers_of.deck(), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=canvas.FOLDER, type=pathlib.Path)
    parser.add_argument("only", nargs="*", help="names, such as grid")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    main(options.out, options.only)
