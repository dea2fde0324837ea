"""The teaching panel in JupyterLab, in a real browser: mouse, finger, camera, keys."""

import pathlib

import nbformat
import numpy as np
import pytest
from images import lab
from needs import in_a_browser
from PIL import Image
from playwright.sync_api import expect

from tlcourse.data import symbols

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = ROOT / "build" / "screenshots"
CELLS = [
    "import tlcourse\ntlcourse.start()",
    "from tlcourse import training\n"
    "from tlcourse.teachable import GrowingClassifier\n"
    "from tlcourse.course.tracks import load_track\n"
    "from tlcourse.widgets import TeachingPanel\n"
    "TeachingPanel(GrowingClassifier(training.embedder(load_track('glyphs'))))",
]

pytestmark = in_a_browser


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A notebook with the panel alone, run, in a browser that feels fingers."""
    folder = tmp_path_factory.mktemp("panel")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, folder / "panel.ipynb")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLCOURSE_TRACK", "glyphs")
        patch.delenv("MPLBACKEND", raising=False)
        with lab.serve(folder) as url, lab.browse(1280, 1100, has_touch=True) as page:
            lab.run_all(page, f"{url}/tree/panel.ipynb")
            lab.scroll_to(page, page.get_by_role("button", name="New class"))
            yield page
            page.screenshot(path=PICTURES / "teaching_last.png")


@pytest.fixture
def page(notebook):
    """The panel without classes, with an empty pad."""
    notebook.get_by_label("picture", exact=True).select_option("draw")
    wait_for_kernel(notebook)
    drops = notebook.get_by_role("button", name="Drop ")
    while drops.count():
        n = drops.count()
        drops.first.press("Enter")
        wait_for_kernel(notebook)
        expect(drops).to_have_count(n - 1)
    clear = notebook.get_by_role("button", name="Clear pad")
    if clear.is_enabled():
        clear.click()
        notebook.get_by_text("No picture yet").wait_for()
    yield notebook


def wait_for_kernel(page):
    page.wait_for_function("() => document.body.innerText.includes('| Idle')")


def new_class(page, name):
    page.get_by_placeholder("its name").fill(name)
    page.get_by_placeholder("its name").press("Enter")
    page.get_by_role("button", name=f"Add to {name}").wait_for()
    wait_for_kernel(page)


def strokes(page, name, seed):
    """A symbol's strokes, as places on the screen."""
    box = page.locator("canvas.tlcourse-pad").bounding_box()
    return [
        [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        for stroke in symbols.sketch(name, seed)
    ]


def draw(page, name, seed):
    """Draws a symbol on the pad with the mouse."""
    for points in strokes(page, name, seed):
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    is_seen(page)


def draw_by_finger(page, name, seed):
    """The same with a finger."""
    finger = page.context.new_cdp_session(page)

    def touch(kind, *at):
        points = [{"x": x, "y": y} for x, y in at]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for points in strokes(page, name, seed):
        touch("touchStart", points[0])
        for point in points[1:]:
            touch("touchMove", point)
        touch("touchEnd")
    is_seen(page)


def is_seen(page):
    page.get_by_alt_text("The picture as the network sees it").wait_for()
    wait_for_kernel(page)


def add(page, name, n):
    page.get_by_role("button", name=f"Add to {name}").click()
    page.get_by_text(f"{n} example{'s' * (n != 1)} of {name}").wait_for()
    wait_for_kernel(page)


def teach(page, names, draw):
    """Adds three drawings of each class; then new drawings are predicted rightly."""
    for name in names:
        new_class(page, name)
        for n in range(1, 4):
            draw(page, name, n)
            add(page, name, n)
    page.screenshot(path=PICTURES / "teaching_taught.png")
    for seed in range(50, 52):
        for name in names:
            draw(page, name, seed)
            page.get_by_text(f"Looks like {name}").wait_for()
            page.screenshot(path=PICTURES / "teaching_answer.png")
            page.get_by_role("button", name="Clear pad").click()
            page.get_by_text("No picture yet").wait_for()
            wait_for_kernel(page)


def tab_to(page, target):
    """Presses Tab until something has the focus."""
    for _ in range(40):
        if target.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not get to {target}")


def test_two_symbols_drawn_with_the_mouse_are_known(page):
    teach(page, ("star", "spiral"), draw)


def test_two_symbols_drawn_with_a_finger_are_known(page):
    scrolled = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"
    before = page.evaluate(scrolled)
    teach(page, ("arrow", "fish"), draw_by_finger)
    assert page.evaluate(scrolled) == before  # the finger draws, it does not scroll


def test_ready_made_drawings_by_keyboard_alone(page):
    page.get_by_label("picture", exact=True).focus()
    ready = page.get_by_label("ready-made", exact=True)
    for name in list(symbols.SYMBOLS)[:2]:
        tab_to(page, page.get_by_placeholder("its name"))
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("button", name=f"Add to {name}").wait_for()
        wait_for_kernel(page)
        page.get_by_label("picture", exact=True).focus()
        tab_to(page, ready)
        page.keyboard.press("ArrowDown")  # the first symbol, then the second
        is_seen(page)
        for n in range(1, 4):
            tab_to(page, page.get_by_role("button", name=f"Add to {name}"))
            page.keyboard.press("Enter")
            page.get_by_text(f"{n} example{'s' * (n != 1)} of {name}").wait_for()
            wait_for_kernel(page)
            page.get_by_label("picture", exact=True).focus()
            tab_to(page, page.get_by_role("button", name="Another one"))
            page.keyboard.press("Enter")
            is_seen(page)
    page.get_by_text(f"Looks like {name}").wait_for()
    page.screenshot(path=PICTURES / "teaching_keyboard.png")


def test_names_are_shown_as_text_and_bad_ones_get_a_sentence(page):
    name = "<i>$\\foo$</i>"
    new_class(page, name)
    assert page.locator(".tlcourse-cards i").count() == 0
    page.get_by_placeholder("its name").fill(f" {name}")
    page.get_by_role("button", name="New class").click()
    page.get_by_text("is taken. Choose another name.").wait_for()
    page.get_by_placeholder("its name").fill("")
    page.get_by_role("button", name="New class").click()
    page.get_by_text("Type a name for the class first.").wait_for()


def test_eight_classes_fit_a_laptop_and_no_drop_slides_under_the_pointer(page):
    names = list(symbols.SYMBOLS)[:8]
    for name in names:
        new_class(page, name)
    page.get_by_label("ready-made", exact=True).select_option(names[0])
    is_seen(page)
    view = page.locator(".tlcourse-view").bounding_box()
    assert view["height"] < 650, view
    page.screenshot(path=PICTURES / "teaching_eight.png")
    drop = page.get_by_role("button", name=f"Drop {names[2]}", exact=True)
    box = drop.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.dblclick(x, y)  # the second press may not drop the class that moved up
    wait_for_kernel(page)
    expect(page.get_by_role("button", name="Add to ")).to_have_count(7)
    page.mouse.move(x + 5, y + 5)
    expect(page.get_by_role("button", name="Drop ")).to_have_count(7)


def test_photographs_as_large_as_telephones_make_them(page, tmp_path):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (2900, 3900, 3), "uint8"))
    noise.save(tmp_path / "large.jpg", quality=90)
    noise.resize((390, 290)).save(tmp_path / "small.png")
    noise.resize((200, 150)).save(tmp_path / "scan.tiff")  # Chromium reads none
    noise.save(tmp_path / "raw.tiff")
    (tmp_path / "nothing.jpg").write_bytes(b"")
    names = ["large.jpg", "small.png", "scan.tiff", "raw.tiff", "nothing.jpg"]
    sizes = [(tmp_path / name).stat().st_size for name in names]
    assert sizes[0] > 10e6 < sizes[3]  # more than Jupyter's connection takes at once
    new_class(page, "noise")
    page.get_by_label("picture", exact=True).select_option("files")
    for n in (1, 2):
        chosen = [tmp_path / name for name in names]
        page.get_by_label("Choose pictures").set_input_files(chosen)
        page.get_by_text("3 pictures.").wait_for()
        page.get_by_text("raw.tiff: 34 MB, too large to send").wait_for()
        page.get_by_text("nothing.jpg: empty").wait_for()
        page.screenshot(path=PICTURES / "teaching_files.png")
        add(page, "noise", 3 * n)
        page.get_by_text("No picture yet").wait_for()


def test_the_camera(page):
    new_class(page, "green")
    page.get_by_label("picture", exact=True).select_option("camera")
    page.evaluate("""() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.streams = [];
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            await new Promise((done) => setTimeout(done, 300));
            const stream = await ask(wanted);
            window.streams.push(stream);
            return stream;
        };
    }""")
    page.get_by_role("button", name="Start the camera").dblclick()
    page.get_by_text("The camera is on.").wait_for()
    assert page.evaluate("() => window.streams.length") == 1
    is_seen(page)
    seen = page.get_by_alt_text("The picture as the network sees it")
    first = seen.get_attribute("src")
    add(page, "green", 1)
    page.screenshot(path=PICTURES / "teaching_camera.png")
    page.wait_for_function(  # Chromium's invented camera shows a clock: it goes on
        "first => document.querySelector('img[alt^=\"The picture as\"]').src !== first",
        arg=first,
    )
    page.get_by_label("per press", exact=True).select_option("5 frames")
    page.get_by_role("button", name="Add to green").click()
    page.get_by_text("6 examples of green").wait_for()
    page.get_by_role("button", name="Stop the camera").click()
    page.get_by_text("The camera is off.").wait_for()
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("The camera is on.").wait_for()
    page.evaluate("""() => document.querySelector("video").srcObject
        .getVideoTracks()[0].dispatchEvent(new Event("ended"))""")  # unplugged
    page.get_by_text("The camera has gone away.").wait_for()
    page.evaluate("""() => navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException("no", "NotAllowedError"))""")
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_text("the browser may not use it").wait_for()
