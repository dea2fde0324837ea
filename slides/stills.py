"""Takes the stills of the pictures to touch, as the slides begin with them.

make stills
"""

import pathlib
import shutil
import tempfile

from playwright.sync_api import sync_playwright

from tlcourse.widgets import pictures

FIGURES = pathlib.Path(__file__).resolve().parent / "figures"
WIDTH, DOTS = 1000, 1.5  # pixels on the slide, and dots for each
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="color-scheme" content="light"><title>Still</title>
<link rel="stylesheet" href="pictures.css"><script src="{name}.js" defer></script>
<style>body {{ font: 1rem "Source Sans 3", sans-serif; margin: 4px; width: {width}px }}
</style></head><body><div data-picture="{name}" data-seed="3"></div></body></html>"""


def teach(page):
    """Two symbols, three drawings each, and one that is judged."""
    for turn in range(7):
        name, card = (("house", "A"), ("fish", "B"))[turn % 2]
        page.get_by_label("Symbol to have drawn").select_option(name)
        page.get_by_role("button", name="Draw one for me").click()
        if turn < 6:
            page.get_by_role("button", name=f"This is {card}").click()
            page.get_by_label(f"Example {turn // 2 + 1} of {card}").first.wait_for()


def labels(page):
    """A guess, not yet compared."""
    for place, guess in enumerate((20, 30, 40, 50, 60, 65, 70)):
        page.get_by_label("Your guess for").nth(place).fill(str(guess))
        page.keyboard.press("Tab")


def freeze(page):
    """Head and last stage train."""
    page.get_by_role("button", name="last stage", exact=True).click()
    page.get_by_role("button", name="Play 30 steps").click()


STILLS = {"teach": teach, "labels": labels, "freeze": freeze}


def main():
    """Writes figures/touch_NAME.png."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = pathlib.Path(scratch)
        for name, text in pictures.page_files().items():
            (folder / name).write_text(text, "utf-8")
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        size = {"width": WIDTH + 40, "height": 700}
        for name, act in STILLS.items():
            path = folder / f"{name}.html"
            path.write_text(PAGE.format(name=name, width=WIDTH), "utf-8")
            page = browser.new_page(viewport=size, device_scale_factor=DOTS)
            page.goto(path.as_uri())
            page.locator(f".tl-{name}").wait_for()
            act(page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(5000)  # what moves has come to rest
            still = page.locator(f".tl-{name}")
            still.screenshot(path=FIGURES / f"touch_{name}.png")
            print(name, still.bounding_box())
        browser.close()


if __name__ == "__main__":
    main()
