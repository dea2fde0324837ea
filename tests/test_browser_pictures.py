"""Pictures to touch: on a page from a disk, by keys and fingers, and in JupyterLab."""

import contextlib
import importlib.resources
import json
import pathlib
import re

import nbformat
import pytest
from images import lab
from needs import in_a_browser

import check_site
from tlcourse._util import assets
from tlcourse.widgets import pictures

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "screenshots"
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Teach it</title>
<link rel="stylesheet" href="pictures.css"><script src="teach.js" defer></script>
<style>body { font: 1rem system-ui; margin: 1rem; background: Canvas }</style></head>
<body><main><h1>Teach it</h1>
<div data-picture="teach" data-seed="1">A still form.</div></main></body></html>"""
WIDE, NARROW = (1440, "light"), (360, "dark")
wide, narrow = (
    pytest.mark.parametrize("page", [look], indirect=True, ids=str)
    for look in (WIDE, NARROW)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The picture on a page of its own."""
    made = tmp_path_factory.mktemp("page")
    for name, text in {"index.html": PAGE, **pictures.page_files()}.items():
        (made / name).write_text(text, "utf-8")
    SHOTS.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture(scope="module")
def chromium():
    with lab.chromium() as browser:
        yield browser


@pytest.fixture(params=[WIDE, NARROW], ids=str)
def page(request, chromium, folder):
    """The page from a disk, wide or narrow; an error in it fails the test."""
    width, scheme = request.param
    with lab.browse(width, 900, has_touch=True, browser=chromium) as page:
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.emulate_media(color_scheme=scheme)
        page.goto((folder / "index.html").as_uri())
        page.get_by_label("Symbol to have drawn").locator("option").nth(7).wait_for(
            state="attached"
        )
        yield page
        page.screenshot(path=SHOTS / f"teach_{width}.png", full_page=True)
    assert wrong == []


def counters(page):
    """How many of how many each of the three has right."""
    text = page.locator(".tl-race").inner_text()
    return re.findall(r"(\d+) of (\d+)$", text, re.MULTILINE)


def press(page, key, label):
    """Walks to a button with Tab, and presses a key on it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == label:
            return page.keyboard.press(key)
    raise AssertionError(f"no way with the keyboard to {label!r}")


@in_a_browser
@wide
def test_keys_alone_teach_it_and_three_each_are_enough(page):
    for turn in range(12):
        name, card = (("house", "A"), ("fish", "B"))[turn % 2]
        page.get_by_label("Symbol to have drawn").focus()
        page.keyboard.type(name)
        press(page, "Enter", "Draw one for me")
        press(page, "Enter", f"This is {card}")
        page.get_by_label(f"Example {turn // 2 + 1} of {card}", exact=True).wait_for()
    trained, random, raw = ([int(each) for each in pair] for pair in counters(page))
    assert trained[1] == random[1] == raw[1] == 10
    assert trained[0] >= 9 and trained[0] > max(random[0], raw[0])
    page.get_by_label("Trained base").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Random base").is_checked()
    assert page.evaluate("document.activeElement.value") == "random"


@in_a_browser
@narrow
def test_a_finger_draws_and_every_stroke_moves_the_bars(page):
    touch = page.context.new_cdp_session(page)

    def stroke(*points):
        pad = page.get_by_label("Pad to draw on")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        name, kind = "Input.dispatchTouchEvent", "touchStart"
        for x, y in points:
            at = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            touch.send(name, {"type": kind, "touchPoints": [at]})
            kind = "touchMove"
        touch.send(name, {"type": "touchEnd", "touchPoints": []})

    square = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2)]
    for points, card in ((square, "A"), ([(0.2, 0.5), (0.8, 0.5)], "B")):
        stroke(*points)
        page.get_by_role("button", name=f"This is {card}").click()
        page.get_by_label(f"Example 1 of {card}", exact=True).wait_for()
    bars, seen = page.locator(".tl-bar b"), set()
    for points in (square[:2], square[1:3], square[2:]):
        before = bars.all_inner_texts()
        stroke(*points)
        page.wait_for_function(
            """before => [...document.querySelectorAll(".tl-bar b")]
            .map(each => each.textContent).join() !== before.join()""",
            arg=before,
        )
        seen.add(tuple(bars.all_inner_texts()))
    assert len(seen) == 3
    page.get_by_role("button", name="Undo stroke").click()
    page.get_by_role("button", name="Take out example 1 of B").click()
    page.get_by_text("Now draw another symbol").wait_for()


@in_a_browser
@narrow
def test_names_are_said_when_wrong_and_shown_as_text(page):
    name = page.get_by_label("Name of symbol 1")
    name.fill("B")
    name.press("Enter")
    page.get_by_text("There is a symbol called B already.").wait_for()
    name.fill("<b>bold</b>")
    name.press("Enter")
    page.get_by_role("button", name="This is <b>bold</b>").wait_for()


def check_axe(page):
    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    found = [each for each in found if each["impact"] in check_site.SERIOUS]
    serious = {(e["id"], n["html"]) for e in found for n in e["nodes"]}
    assert serious == set()
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


@in_a_browser
def test_axe_finds_nothing_serious_and_nothing_runs_over_the_edge(page):
    page.get_by_role("button", name="Draw one for me").click()
    page.get_by_role("button", name="This is A").click()
    page.get_by_label("Example 1 of A", exact=True).wait_for()
    check_axe(page)


@in_a_browser
def test_little_is_loaded_at_first_and_without_a_base_nothing_is_lost(chromium, folder):
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    late = sizes["glyphs_base.js"]
    first = ("index.html", "teach.js", "pictures.css", "drawings.js")
    assert sum(map(sizes.get, first)) < 100_000 and late < 1_100_000
    (folder / "glyphs_base.js").rename(folder / "away.js")
    try:
        with lab.browse(1000, 900, browser=chromium) as page:
            page.goto((folder / "index.html").as_uri())
            page.get_by_role("button", name="Draw one for me").click()
            page.get_by_text("could not be loaded").wait_for()
            page.get_by_role("button", name="This is A").click()
            page.wait_for_timeout(300)
            assert page.get_by_role("button", name="Clear pad").is_enabled()
            (folder / "away.js").rename(folder / "glyphs_base.js")
            page.get_by_role("button", name="This is A").click()
            page.get_by_label("Example 1 of A", exact=True).wait_for()
    finally:
        if (folder / "away.js").exists():
            (folder / "away.js").rename(folder / "glyphs_base.js")


@in_a_browser
def test_in_jupyterlab_both_are_the_same_and_need_no_kernel(chromium, tmp_path):
    code = ["import tlcourse\ntlcourse.start()"]
    code += ["from tlcourse.widgets import LabelSlider, Teach\nTeach(seed=1)"]
    code += ["LabelSlider()"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(each) for each in code], metadata=kernel
    )
    nbformat.write(made, tmp_path / "teach.ipynb")
    with (
        lab.serve(tmp_path) as url,
        lab.browse(1280, 1000, browser=chromium) as page,
    ):
        lab.run_all(page, f"{url}/tree/teach.ipynb")
        for turn in range(8):
            name, card = (("house", "A"), ("fish", "B"))[turn % 2]
            page.get_by_label("Symbol to have drawn").select_option(name)
            page.get_by_role("button", name="Draw one for me").click()
            page.get_by_role("button", name=f"This is {card}").click()
            page.get_by_label(f"Example {turn // 2 + 1} of {card}").first.wait_for()
        assert counters(page)[0] == ("6", "6")
        page.screenshot(path=SHOTS / "teach_lab.png")
        for place in range(7):
            page.get_by_label("Your guess for").nth(place).fill("40")
            page.keyboard.press("Tab")
        page.get_by_role("button", name="Show what was measured").click()
        for _ in range(6):  # JupyterLab would take the keys
            page.keyboard.press("ArrowRight")
        page.get_by_text("points off on average").wait_for()


@contextlib.contextmanager
def alone(chromium, folder, name, width, scheme):
    """A picture on a page of its own; an error in it fails the test."""
    text = PAGE.replace('"teach"', f'"{name}"').replace("teach.js", f"{name}.js")
    (folder / f"{name}.html").write_text(text, "utf-8")
    with lab.browse(width, 900, has_touch=True, browser=chromium) as page:
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto((folder / f"{name}.html").as_uri())
        page.locator(f".tl-{name}").wait_for()
        yield page
        page.screenshot(path=SHOTS / f"{name}_{width}.png", full_page=True)
    assert wrong == []


@pytest.fixture(params=[WIDE, NARROW], ids=str)
def slider(request, chromium, folder):
    """The label slider on a page, wide or narrow."""
    with alone(chromium, folder, "labels", *request.param) as page:
        yield page


@pytest.fixture(params=[WIDE, NARROW], ids=str)
def freeze(request, chromium, folder):
    """The freeze line on a page, wide or narrow."""
    with alone(chromium, folder, "freeze", *request.param) as page:
        yield page


@in_a_browser
@pytest.mark.parametrize("slider", [WIDE], indirect=True, ids=str)
def test_keys_alone_draw_a_guess_and_drag_the_labels(slider):
    reveal = slider.get_by_role("button", name="Show what was measured")
    for count in (1, 2, 3, 5, 10, 20, 50):
        assert reveal.is_disabled()
        slider.get_by_label(f"Your guess for {count} labels per class").fill("40")
        slider.keyboard.press("Tab")
    press(slider, "Enter", "Show what was measured")
    near = json.loads(assets.shipped("label_curves.json").read_text())["tasks"]["near"]
    for place, (mean, _) in enumerate(near["curves"]["trained base"]):
        label = slider.get_by_role("img").first.get_attribute("aria-label")
        assert f"trained base {round(100 * mean)} %" in label
        said = [each["said"] for each in right_or_wrong(slider)]
        assert said == [near["classes"][k] for k in near["said"][place]]
        slider.keyboard.press("ArrowRight")
    slider.get_by_text("points off on average").wait_for()
    slider.get_by_label("far:").check()
    assert reveal.is_disabled()


def right_or_wrong(page):
    labels = page.locator(".tl-eight figure")
    words = [each.get_attribute("aria-label") for each in labels.all()]
    form = re.compile("A (.+): it says (?P<said>.+), (right|wrong)")
    return [form.fullmatch(each).groupdict() for each in words]


@in_a_browser
def test_a_drag_draws_a_guess_without_gaps_and_axe_finds_nothing_serious(slider):
    box = slider.locator(".tl-chart").bounding_box()
    y = box["y"] + 0.6 * box["height"]
    slider.mouse.move(box["x"] + 0.15 * box["width"], y)
    slider.mouse.down()
    slider.mouse.move(box["x"] + 0.95 * box["width"], y)
    slider.mouse.up()
    slider.get_by_role("button", name="Show what was measured").click()
    check_axe(slider)


def ticked(page):
    return [box.is_checked() for box in page.locator(".tl-block input").all()]


@in_a_browser
@pytest.mark.parametrize("freeze", [WIDE], indirect=True, ids=str)
def test_keys_alone_move_the_freeze_line_and_play(freeze):
    known = json.loads(assets.shipped("freeze_line.json").read_text())
    line = freeze.get_by_role("slider", name="Freeze line")
    line.focus()
    for key, at in (("Home", 0), ("End", 6), ("ArrowLeft", 5), ("ArrowLeft", 4)):
        freeze.keyboard.press(key)
        assert line.get_attribute("aria-valuenow") == str(at)
        assert ticked(freeze) == [k >= at for k in range(6)]
    assert line.get_attribute("aria-valuetext") == "frozen before stage 5"
    found = known["states"]["48,0"]
    freeze.get_by_text(f"{found['costs']['trains']:,}", exact=True).wait_for()
    press(freeze, "Enter", "Play 30 steps")
    right = found["run"]["accuracy"][-1][1]
    freeze.get_by_text(f"to {right:.2f}.").wait_for()
    moved = freeze.locator(".tl-block small").all_text_contents()
    assert moved[:4] == ["did not move"] * 4 and "moved" in moved[4]
    freeze.get_by_role("checkbox", name="stage 1", exact=True).press("Space")
    assert (
        line.get_attribute("aria-valuetext")
        == "gradients reach stage 1; some parts behind it are frozen, too"
    )


@in_a_browser
def test_a_finger_drags_the_line_and_axe_finds_nothing_serious(freeze):
    line = freeze.locator(".tl-line").bounding_box()
    goal = freeze.locator(".tl-block").nth(3).bounding_box()
    y = goal["y"] + goal["height"] / 2
    touch = freeze.context.new_cdp_session(freeze)

    def finger(kind, x=None):
        points = [] if x is None else [{"x": x, "y": y}]
        touch.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points}
        )

    finger("Start", line["x"] + line["width"] / 2)
    for part in range(1, 6):
        way = goal["x"] - 2 - line["x"]
        finger("Move", line["x"] + line["width"] / 2 + way * part / 5)
    finger("End")
    assert ticked(freeze) == [False] * 3 + [True] * 3
    freeze.get_by_role("button", name="Play 30 steps").click()
    freeze.get_by_role("button", name="head only").click()
    freeze.get_by_role("button", name="Play 30 steps").click()
    freeze.get_by_role("checkbox", name="overlay the runs").check()
    assert freeze.locator(".tl-key li").count() == 2
    wide = freeze.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    check_axe(freeze)


@in_a_browser
@pytest.mark.parametrize("look", [WIDE, NARROW], ids=str)
def test_keys_alone_drag_the_knife_and_neighbours_change(chromium, folder, look):
    known = json.loads(assets.shipped("depths.json").read_text())
    with alone(chromium, folder, "cut", *look) as page:
        knife = page.get_by_role("slider", name="Where to cut the network")
        knife.focus()
        for at, depth in enumerate(known["depths"]):
            page.get_by_text(
                f"{round(100 * depth['same'])} % of the nearest"
            ).wait_for()
            said = page.locator(".tl-near figcaption").all_text_contents()
            found = [known["classes"][known["labels"][k]] for k in depth["nearest"][0]]
            assert [each.split()[-1] for each in said] == found
            dot = page.locator(".tl-map .tl-asks")
            page.wait_for_timeout(50)  # to be laid out
            left, top = (each * 92 + 4 for each in depth["places"][0])
            box, room = dot.bounding_box(), page.locator(".tl-map").bounding_box()
            middle = box["x"] + box["width"] / 2 - room["x"]
            assert middle == pytest.approx(left / 100 * room["width"], abs=3)
            assert knife.get_attribute("aria-valuenow") in (None, str(at))
            page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="a 5").first.click()
        check_axe(page)


@in_a_browser
@pytest.mark.parametrize("look", [WIDE, NARROW], ids=str)
def test_keys_alone_turn_the_rate_and_scrub_the_steps(chromium, folder, look):
    known = json.loads(assets.shipped("forgetting.json").read_text())
    with alone(chromium, folder, "forget", *look) as page:
        page.get_by_role("slider", name="steps").focus()
        page.keyboard.press("End")
        page.get_by_role("slider", name="learning rate").focus()
        page.keyboard.press("Home")
        for rate, run in zip(known["rates"], known["runs"], strict=True):
            chart = page.locator(".tl-chart").get_attribute("aria-label")
            assert f"letters right {round(100 * run[-1]['own'])} %" in chart
            assert f"at {rate:.0e}".replace("e-0", "e-") in chart
            page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Another image").click()
        check_axe(page)


@in_a_browser
@pytest.mark.parametrize("look", [WIDE, NARROW], ids=str)
def test_a_prompt_is_typed_and_the_network_goes_on(chromium, folder, look):
    with alone(chromium, folder, "prompt", *look) as page:
        text, said = page.get_by_label("The text so far"), page.locator(".tl-said")
        text.fill("raise Val")
        page.get_by_text("The base expects “id” (").wait_for()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("if self.use_bi")
        dial = page.get_by_role("slider", name="Characters of Keras")
        dial.focus()
        before = page.locator(".tl-prompt tbody").inner_text()
        page.keyboard.press("End")
        page.get_by_text("after 200,000 characters of Keras it expects").wait_for()
        assert page.locator(".tl-prompt tbody").inner_text() != before
        assert "“as”" in said.inner_text().split("after 200,000")[1]
        button = page.get_by_role("button", name="Write the likeliest")
        button.press("Enter")
        page.wait_for_function("document.querySelector('textarea').value.length > 14")
        assert text.input_value().startswith("if self.use_bias")
        text.fill("")
        page.get_by_text("Type something.").wait_for()
        assert button.is_disabled()
        page.get_by_role("button", name="class Layer(").click()
        page.get_by_role("button", name="Write twenty more").click()
        page.wait_for_function("document.querySelector('textarea').value.length > 30")
        check_axe(page)
