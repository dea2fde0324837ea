"""Widgets in JupyterLab, in a real browser. Pictures go to build/screenshots."""

import pathlib
import shutil

import nbformat
import pytest
from images import lab
from needs import in_a_browser
from playwright.sync_api import expect

from tlcourse.course.tracks import load_track
from tlcourse.models import freezing, heads

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = ROOT / "build" / "screenshots"

pytestmark = in_a_browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Lesson 05 in JupyterLab, all cells run, in a folder of its own."""
    folder = tmp_path_factory.mktemp("lessons") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    path = folder / "05_freeze_the_base.ipynb"
    lesson = nbformat.read(path, as_version=4)  # without its 120 epochs
    lesson.cells = [cell for cell in lesson.cells if "scores.append" not in cell.source]
    nbformat.write(lesson, path)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLCOURSE_TRACK", "glyphs")
        patch.setenv("TLCOURSE_HOME", str(folder))
        patch.delenv("MPLBACKEND", raising=False)
        with lab.serve(folder) as url, lab.browse(height=1100) as page:
            lab.run_all(page, f"{url}/tree/05_freeze_the_base.ipynb")
            yield page


def keras_counts():
    """What Keras says of lesson 05's model: all frozen but the first stage, and
    the same with the last stage as well."""
    track = load_track("glyphs")
    base = track.build_base("random")
    model = heads.wrap(base, len(track.class_names))
    counts, stages = [], freezing.stages(base)
    for free in (stages[0].layers, [*stages[0].layers, *stages[-1].layers]):
        base.trainable = True
        for layer in base.layers:
            layer.trainable = layer in free
        counts.append(freezing.count(model.trainable_weights))
    return counts


def tick(box, wanted=True):
    """Ticks or unticks with the keyboard, as soon as the box shows the opposite."""
    expect(box).to_be_checked(checked=not wanted)
    box.press("Space")
    expect(box).to_be_checked(checked=wanted)


def test_every_figure_has_words_in_jupyterlab(page):
    title = "The base's flag set first: stage 5, head learnt."
    bars = f"{title} Across: weights that changed, %."
    assert page.get_by_role("img", name=bars).count() == 1
    silent = page.locator(".jp-OutputArea img:not([alt])")
    assert page.locator(".jp-OutputArea img").count() >= 2
    assert silent.count() == 0


def press(page, name):
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def test_the_freeze_panel_by_keyboard_alone(page):
    first, both = (f"{number:,}" for number in keras_counts())
    box = page.get_by_role("checkbox", name="stage 5", exact=True)
    panel = page.get_by_label("Freeze panel")
    lab.scroll_to(page, box)
    page.screenshot(path=PICTURES / "freeze_panel_before.png")
    assert panel.bounding_box()["height"] < 700
    # The exercises below the panel changed the flags; the panel reads them anew.
    press(page, "Refresh")
    press(page, "freeze everything")
    trains = panel.locator(".tl-numbers b").first
    expect(trains).to_have_text("0", timeout=30_000)

    for name in ("head", "stage 1", "BatchNorm layers train too"):
        tick(page.get_by_role("checkbox", name=name, exact=True))
    expect(trains).to_have_text(first, timeout=30_000)

    tick(box)
    expect(trains).to_have_text(both, timeout=30_000)
    expect(panel).to_contain_text("changed since compile", timeout=30_000)
    page.screenshot(path=PICTURES / "freeze_panel_changed.png")

    tick(box, False)
    expect(trains).to_have_text(first, timeout=30_000)
    press(page, "Compile")
    expect(panel).to_contain_text("compiled as shown", timeout=30_000)
    page.screenshot(path=PICTURES / "freeze_panel_compiled.png")

    line = panel.get_by_role("slider", name="Freeze line")
    line.focus()
    page.keyboard.press("End")
    expect(trains).to_have_text("0", timeout=30_000)
    page.keyboard.press("ArrowLeft")  # which JupyterLab would take
    expect(line).to_have_attribute("aria-valuetext", "frozen before head")

    fold = panel.locator("summary", has_text="Layers of head")
    panel.locator("summary", has_text="Layers, one by one").press("Enter")
    fold.press("Enter")
    tick(panel.get_by_label("dense"), False)
    expect(trains).to_have_text("0", timeout=30_000)


def test_a_few_steps_are_trained_live(page):
    start = page.get_by_role("button", name="Train 30 steps", exact=True)
    lab.scroll_to(page, start)
    press(page, "head only")
    compiled = page.get_by_role("button", name="Compile", exact=True)
    compiled.focus()
    page.keyboard.press("Enter")
    page.get_by_text("compiled as shown").first.wait_for()
    start.focus()
    page.keyboard.press("Enter")
    page.get_by_role("img", name="Runs of 30 steps").wait_for(timeout=120_000)
    page.get_by_text("of 30 steps. Loss from").first.wait_for(timeout=120_000)
    page.screenshot(path=PICTURES / "live_training.png")
