"""The deck as it is shown, its figures, and the instructor's guide."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import zlib

import matplotlib
import numpy as np
import pytest
from needs import in_a_browser, with_node
from PIL import Image
from playwright.sync_api import sync_playwright

from tlcourse.course import progress

SHOTS = pathlib.Path(__file__).resolve().parent.parent / "build" / "screenshots"
ROOT = pathlib.Path(__file__).resolve().parent.parent
SLIDES = ROOT / "slides"
sys.path.insert(0, str(SLIDES))

import canvas  # noqa: E402  (the folder has to be on the path first)
import figures  # noqa: E402
import make_deck  # noqa: E402

# Bespoke shows one slide at a time, and answers only after a key. Here, all are seen.
SHOW_ALL = """
svg.bespoke-marp-slide { content-visibility: visible !important; }
.bespoke-marp-osc { display: none !important; }
"""
MEASURE = (ROOT / "tests" / "measure_slides.js").read_text("utf-8")
NOTES = """() => [...document.querySelectorAll(".bespoke-marp-note")].map(
    note => [note.dataset.index, note.textContent])"""


@pytest.fixture(scope="module")
def shown():
    """What the built deck is in Chromium: slides, notes, requests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((SLIDES / "deck.html").as_uri())
        page.add_style_tag(content=SHOW_ALL)
        page.evaluate("document.fonts.ready")
        yield {
            "slides": page.evaluate(MEASURE),
            "notes": dict(page.evaluate(NOTES)),
            "requests": requests,
            "browser": browser,
            "fonts": page.evaluate("[...document.fonts].map(font => font.status)"),
        }
        browser.close()


@in_a_browser
def test_no_slide_overflows(shown):
    for number, slide in enumerate(shown["slides"], start=1):
        assert slide["size"] == [1280, 720]
        left, top, right, bottom = slide["room"]
        left = 64 if slide["lesson"] else left  # the large number stands in the margin
        boxes = [image["box"] for image in slide["images"]]
        boxes += [rect for text in slide["texts"] for rect in text["rects"]]
        for box in boxes:
            # Large type has more room above its letters than its line is high.
            assert box[0] >= left - 1 and box[1] >= top - 8, f"{number}: {box}"
            assert box[2] <= right + 1 and box[3] <= bottom + 1, f"{number}: {box}"
        for text in slide["texts"]:
            for rect in text["rects"]:
                assert rect[2] <= text["within"][2] + 1, f"{number}: {text['text']}"


@in_a_browser
def test_every_picture_is_loaded_as_large_as_it_was_drawn_and_has_words(shown):
    images = [image for slide in shown["slides"] for image in slide["images"]]
    assert len(images) == len(make_deck.figures()) >= 20
    for image in images:
        assert image["loaded"], image["alt"]
        assert len(image["alt"].split()) >= 8, image["alt"]
        assert image["drawn"] == image["meant"], image["alt"]


@in_a_browser
def test_the_deck_asks_no_network_and_each_of_its_40_to_64_slides_has_notes(shown):
    away = [url for url in shown["requests"] if not url.startswith("data:")]
    assert away == [(SLIDES / "deck.html").as_uri()]
    assert set(shown["fonts"]) == {"loaded"}
    slides = (SLIDES / "deck.md").read_text("utf-8").count("\n---\n\n")
    assert 40 <= len(shown["slides"]) <= 64
    assert slides == len(shown["slides"])
    for number in range(slides):
        assert len(shown["notes"][str(number)].split()) >= 10, f"slide {number + 1}"


@in_a_browser
def test_stills_come_alive_and_keep_their_keys_from_the_deck(shown):
    slides = (SLIDES / "deck.md").read_text("utf-8").split("\n---\n\n")[1:]
    touch = {
        re.search(r"touch_(\w+)", text)[1]: k
        for k, text in enumerate(slides, start=1)
        if "touch_" in text
    }
    assert set(touch) == {"teach", "labels", "freeze"}
    page = shown["browser"].new_page(viewport={"width": 1280, "height": 720})
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for name, number in touch.items():
        address = f"{(SLIDES / 'deck.html').as_uri()}#{number}"
        page.goto("about:blank")
        page.goto(address)
        still = page.locator(f"[data-still={name}]")
        still.wait_for()
        still.press("Enter")
        box = page.locator(f".tl-{name}").bounding_box()
        assert box["y"] + box["height"] < 700 and box["width"] > 700
        if name == "teach":
            page.get_by_label("Symbol to have drawn").select_option("fish")
            page.get_by_role("button", name="Draw one for me").click()
            page.get_by_role("button", name="This is A").click()
            page.get_by_label("Example 1 of A").first.wait_for()
        elif name == "freeze":
            line = page.get_by_role("slider", name="Freeze line")
            line.focus()
            page.keyboard.press("ArrowLeft")
            assert line.get_attribute("aria-valuenow") == "4"
        else:
            page.get_by_label("Your guess for").first.press("ArrowRight")
        page.screenshot(path=SHOTS / f"slide_{name}.png")
        assert page.url == address  # still the same slide
    assert wrong == []


def luminance(colour):
    """Relative luminance as WCAG 2 defines it."""
    values = [float(value) for value in re.findall(r"[\d.]+", colour)]
    assert len(values) == 3 or values[3] == 1, f"see-through: {colour}"
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (value / 255 for value in values[:3])
    ]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@in_a_browser
def test_every_text_is_large_and_stands_out_from_its_background(shown):
    for number, slide in enumerate(shown["slides"], start=1):
        for text in slide["texts"]:
            pair = sorted((luminance(text["ink"]), luminance(text["paper"])))
            ratio = (pair[1] + 0.05) / (pair[0] + 0.05)
            assert ratio >= 4.5, f"slide {number}, {text['text']!r}: {ratio:.2f}"
            assert text["size"] >= 24, f"slide {number}, {text['text']!r}"


LESSONS = {
    lesson.number: (lesson.file, lesson.teaching, lesson.practice)
    for lesson in progress.lessons()
}


@in_a_browser
def test_each_lesson_has_its_slide_with_its_notebook_and_its_minutes(shown):
    opened = {}
    for slide in shown["slides"]:
        if slide["lesson"]:
            number = re.search(r"\b\d\d\b", slide["words"])[0]
            found = re.search(r"(\d+) minutes(?:, and (\d+) for)?", slide["words"])
            file = next(code for code in slide["code"] if code.endswith(".ipynb"))
            opened[number] = file, int(found[1]), int(found[2] or 0)
    assert opened == LESSONS
    for file, *_ in opened.values():
        assert (ROOT / "notebooks" / file).is_file()


def test_the_deck_and_its_pdf_are_of_these_sources():
    text = (SLIDES / "deck.html").read_text("utf-8")
    mark = re.search(r'<meta name="sources-sha256" content="(\w+)">', text)
    assert mark[1] == make_deck.fingerprint(), "the deck is stale: make slides"
    content = (SLIDES / "deck.pdf").read_bytes()
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S):
        try:
            # Not `zlib.decompress`: the last byte may be taken for the end of a line.
            content += zlib.decompressobj().decompress(stream)
        except zlib.error:  # a picture in another form
            continue
    slides = (SLIDES / "deck.md").read_text("utf-8").count("\n---\n\n")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == slides
    mark = make_deck.fingerprint().encode("utf-16-be").hex().upper().encode()
    assert mark in content, "the PDF is stale: make slides"


def test_what_is_built_is_small_and_names_no_place():
    for name in ("deck.html", "deck.pdf", "package-lock.json"):
        content = (SLIDES / name).read_bytes()
        assert len(content) < 6e6  # with the base of "Teach it", for browsers
        assert not re.search(rb"registry\.|npmjs|unpkg|file://|\"resolved\"", content)


def numbers(folder=canvas.FOLDER):
    return json.loads((folder / "numbers.json").read_text("utf-8"))


def test_no_result_of_ours_is_typed_into_the_deck():
    text = (SLIDES / "deck.md").read_text("utf-8")
    spared = r"```.*?```|arXiv \d+\.\d+|CC BY 4.0"
    prose = re.sub(spared, "", text, flags=re.S)
    # Published epochs, their sum by hand, and guessing among ten.
    typed = set(re.findall(r"\d+\.\d+", prose)) - {"3.47", "2.90", "0.10"}
    assert typed == set()
    used = {name for name in make_deck.PLACE.findall(text) if name[:5] != "open_"}
    assert used == set(numbers()) - {"drawn_with"}


def draw(folder, *only):
    command = [sys.executable, str(SLIDES / "figures.py"), "--out", str(folder), *only]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def assert_same_figures(folder, names):
    here, shipped = f"matplotlib {matplotlib.__version__}", numbers()["drawn_with"]
    if shipped != here:
        pytest.skip(f"drawn with {shipped}, here is {here}")
    for name in names:
        one, two = (f / name for f in (folder, canvas.FOLDER))
        if name.endswith(".svg"):
            assert one.read_bytes() == two.read_bytes(), name
            continue
        one, two = (np.asarray(Image.open(path)) for path in (one, two))
        assert one.shape == two.shape, name
        # Another processor adds up in another order: a hair of difference is none.
        different = np.abs(one.astype(int) - two.astype(int)) > 16
        assert different.mean() < 0.001, name


def test_a_chart_a_drawing_and_a_photograph_come_out_the_same_again(tmp_path):
    draw(tmp_path, "grid", "anb", "digits")
    assert_same_figures(tmp_path, ("grid.svg", "anb.svg", "digits.png"))


@pytest.mark.slow  # forty seconds: all figures, and the numbers
def test_all_figures_and_numbers_come_out_the_same_again(tmp_path):
    draw(tmp_path)
    for folder in (tmp_path, canvas.FOLDER):
        found = {path.name for path in folder.iterdir()}
        found = {name for name in found if not name.startswith("touch_")}  # stills
        assert found == {*figures.names(), "numbers.json"}
    assert numbers(tmp_path) | {"drawn_with": ""} == numbers() | {"drawn_with": ""}
    assert_same_figures(tmp_path, figures.names())


@with_node
def test_marp_builds_the_same_deck_again(tmp_path):
    if not (SLIDES / "node_modules" / "@marp-team").is_dir():
        subprocess.run(["npm", "ci", "--prefer-offline"], cwd=SLIDES, check=True)
    make_deck.build(tmp_path, pdf=False)
    again = (tmp_path / "deck.html").read_text("utf-8")
    assert again == (SLIDES / "deck.html").read_text("utf-8")


def timetables():
    """dict, the name of a timetable to its rows: from, minutes, what."""
    text = (SLIDES / "instructors_guide.md").read_text("utf-8")
    part = text.split("## Timetables")[1].split("## Lesson by lesson")[0]
    row = re.compile(r"^\| (\d+):(\d\d) \| (\d+) \| (.+) \|$", re.M)
    return {
        section.splitlines()[0].strip(): [
            (60 * int(hour) + int(minute), int(length), what)
            for hour, minute, length, what in row.findall(section)
        ]
        for section in part.split("### ")[1:]
    }


def test_the_timetables_add_up_and_give_each_lesson_its_own_minutes():
    found = timetables()
    assert list(found) == ["Two hours", "Half a day", "A day"]
    for name, length in zip(found, (120, 240, 480), strict=True):
        clock = 0
        for start, part, what in found[name]:
            assert start == clock, f"{name}, {what}"
            clock += part
            for kind, place in (("lesson ", 1), ("exercises of ", 2)):
                if what.startswith(kind):
                    assert part == LESSONS[what[-2:]][place], f"{name}: {what}"
        assert clock == length
    day = [what for _, _, what in found["A day"]]
    # 14 is an appendix, 15 may replace 11; the exercises of 13 are for the evening.
    first = [f"{number:02}" for number in range(14)]
    assert [what[-2:] for what in day if "lesson" in what] == first
    practised = [what[-2:] for what in day if "exercises of" in what]
    assert practised == [n for n in first[:13] if LESSONS[n][2]]


def test_the_guide_treats_every_lesson_and_its_links_lead_somewhere():
    text = (SLIDES / "instructors_guide.md").read_text("utf-8")
    for number in range(16):
        part = re.search(rf"### {number:02} .*?(?=\n##)", text, re.S)[0]
        assert "Goal:" in part and "Usual mistakes:" in part
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (SLIDES / link).is_file(), link
