"""Takes README's picture: a lesson in JupyterLab, in a real browser.

make picture
"""

import pathlib

import lab

HERE = pathlib.Path(__file__).resolve().parent
LESSON = "04_remove_the_last_layer.ipynb"
SEEN = "An image becomes a vector"  # what the picture is to show


def main():
    """Starts JupyterLab, takes the picture, stops JupyterLab."""
    with lab.serve(HERE.parent.parent / "notebooks") as url, lab.browse() as page:
        lab.run_all(page, f"{url}/tree/{LESSON}?reset")
        heading = page.get_by_role("heading", name=SEEN)
        lab.scroll_to(page, heading)
        heading.evaluate("node => node.scrollIntoView({block: 'start'})")
        page.keyboard.press("Control+b")  # the file list is not the lesson
        page.mouse.wheel(0, 560)
        page.wait_for_timeout(1500)
        page.screenshot(path=HERE / "lesson.png")


if __name__ == "__main__":
    main()
