"""The course as pages: one small lesson is run, the others stand as they are stored."""

import functools
import http.server
import re
import threading

import bs4
import nbformat
import pytest
from images import lab
from needs import in_a_browser

import build
import cells
import check_site
import make_site
import rendering

SHOTS = make_site.ROOT / "build" / "screenshots"
WATCHED = (
    "index.html",
    "search.html",
    "beyond.html",
    "00_start_here.html",
    "instructors_guide.html",
)
SMALL = """# %% [markdown]
# # 00 · A small lesson
#
# As in lesson 05 & lesson 77, in `lesson 06`, [lesson 07](#Two). See
# [the answers](solutions/05_freeze_the_base.ipynb).
#
# ## Two
#
# ## Two

# %%
import sys

import ipywidgets
import tlcourse

tlcourse.start()

# %%
from tlcourse import plots

print("\\r 1 of 2", end="")
print("\\r 2 of 2")
print("\\x1b[31mstand\\x1b[0m <here>", flush=True)
plots.bars({"a": 1, "b": 2}, "Two <bars>", "seconds");

# %%
from tlcourse.widgets.view import View


class Panel(View):
    box = ipywidgets.HBox()

    def __repr__(self):
        return "panel as text"

    def _repr_html_(self):
        link = '<a href="13_your_own_images.ipynb">as HTML</a>'
        return f"<table><tr><th scope='row'>panel</th><td>{link}</td></tr></table>"


print("told apart", file=sys.stderr)
Panel()

# %%
ipywidgets.FloatProgress()

# %% [markdown]
# ## ✎ Exercise 0.1

# %% tags=["solution"]
secret = 7

# %% tags=["solution"]
print("the secret is", 6 * secret)
"""
PANEL = '<p class="note">A control panel, as it looks before anybody touches it.'


def as_notebook(folder, text=SMALL):
    """Writes the small lesson with its answers as lesson 00."""
    (folder / "source.py").write_text(text)
    path = folder / "00_start_here.ipynb"
    build.write(path, build.assemble("small", cells.read_source(folder / "source.py")))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def small(cache, tmp_path_factory):
    """The small lesson, run."""
    path = as_notebook(tmp_path_factory.mktemp("small"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        patch.setattr(make_site, "environment", lambda: "here")
        return make_site.execute([path], 1, cache)["00"]


@pytest.fixture(scope="module")
def notebooks(small):
    solutions = sorted((make_site.ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    read = {path.name[:2]: nbformat.read(path, as_version=4) for path in solutions}
    return {**read, "00": small}


@pytest.fixture(scope="module")
def site(notebooks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "pages"
    make_site.write(folder, notebooks)
    return folder


@pytest.fixture(scope="module")
def page(site):
    return (site / "00_start_here.html").read_text("utf-8")


def test_links_lead_somewhere_and_each_lesson_to_the_next(site):
    assert check_site.problems(site) == []
    entries = make_site.course_map()
    texts = [(site / entry["page"]).read_text("utf-8") for entry in entries]
    for place in range(len(entries) - 1):
        following, before = entries[place + 1]["page"], entries[place]["page"]
        assert f'<a rel="next" href="{following}">' in texts[place]
        assert f'<a rel="prev" href="{before}">' in texts[place + 1]


@in_a_browser
def test_axe_finds_nothing_serious_and_nothing_asks_the_network(site):
    assert check_site.violations(site, WATCHED) == []


SHIFTS = """new Promise((done) => {
    let sum = 0;
    const add = (list) => { for (const each of list.getEntries()) sum += each.value; };
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 500);
})"""


@pytest.fixture
def address(site):
    """The pages on a server, as somebody visits them."""
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Says nothing."""


@in_a_browser
@pytest.mark.parametrize("width, scheme", [(1440, "light"), (390, "dark")])
def test_the_first_page_is_light_whole_at_once_and_does_not_jump(
    address, width, scheme
):
    with lab.browse(width, 900) as page:
        got = []
        page.on("response", lambda answer: got.append(len(answer.body())))
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        page.locator("[data-picture] canvas").wait_for()
        assert page.evaluate(SHIFTS) < 0.1
        assert sum(got) < 1e6
        assert page.get_by_role("link", name="Begin with lesson 00").is_visible()
        page.screenshot(path=SHOTS / f"first_page_{width}.png", full_page=True)


@in_a_browser
def test_code_is_copied_and_a_notebook_downloaded(address):
    with lab.browse(1280, 900) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{address}/05_freeze_the_base.html")
        button = page.get_by_role("button", name="Copy this code").first
        code = button.locator("xpath=..").locator("pre").inner_text()
        button.press("Enter")
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == code.rstrip("\n")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download this notebook").click()
        assert download.value.suggested_filename == "05_freeze_the_base.ipynb"


@in_a_browser
def test_search_finds_a_lesson(site, address):
    make_site.index_words(site)
    with lab.browse(1280, 900) as page:
        page.goto(f"{address}/index.html")
        page.get_by_role("link", name="Search").click()
        page.locator("#search input").fill("BatchNormalization")
        page.locator("#search a", has_text="Fine-tune").first.wait_for()


@in_a_browser
def test_axe_would_find_faint_text_and_what_the_network_is_asked_for(tmp_path):
    (tmp_path / "bad.html").write_text(
        "<html lang='en'><title>Bad</title><main><h1>Bad</h1>"
        "<p style='color: #aaa; background: #fff'>Faint.</p>"
        "<img alt='A far picture' src='https://example.org/far.png'></main></html>"
    )
    found = "\n".join(check_site.violations(tmp_path))
    assert "color-contrast" in found
    assert "asks the network: https://example.org/far.png" in found


FIGURE = nbformat.v4.new_output("display_data", {"image/png": "AAAA"})
CELL = nbformat.v4.new_code_cell("plot()", outputs=[FIGURE])
WORDLESS = rendering.render(nbformat.v4.new_notebook(cells=[CELL]), str, {})
GOOD = "<html lang='en'><title>T</title><h1 id='a b'>T</h1>{}</html>"


@pytest.mark.parametrize(
    "fault, told",
    [
        ("<a href='gone.html'>x</a>", "a link to nothing: gone.html"),
        ("<a href='#gone'>x</a>", "an anchor that is not there: #gone"),
        ("<a href='p.html#gone'>x</a>", "an anchor that is not there: p.html#gone"),
        ("<a href='http://keras'>x</a>", "a strange link: http://keras"),
        ("<img src='data:image/png;base64,AA' alt=' '>", "an image without words"),
        (WORDLESS, "an image without words: data:image/png;base64,AAAA"),
        ("<script src='https://a.org/b.js'></script>", "not in the folder: https://a"),
        ("<h3>x</h3>", "h3 after h1"),
        ("<h1>x</h1>", "expected one h1, found 2"),
        ("<p id='p'></p><p id='p'></p>", "the id 'p' twice"),
    ],
)
def test_the_checker_finds_each_fault(fault, told, tmp_path):
    assert check_site.problems(tmp_path) == [f"{tmp_path}: no pages"]
    (tmp_path / "p.html").write_text(GOOD.format("<a href='p.html#a%20b'>x</a>"))
    assert check_site.problems(tmp_path) == []
    (tmp_path / "p.html").write_text(GOOD.format(fault))
    (found,) = check_site.problems(tmp_path)
    assert found.startswith("p.html: ") and told in found


def test_answers_are_closed_until_somebody_opens_them(site, page, notebooks):
    assert "the secret is" in page
    for entry in make_site.course_map():
        text = (site / entry["page"]).read_text("utf-8")
        soup = bs4.BeautifulSoup(text, "html.parser")
        assert not soup.select("details[open]")
        for answer in soup.select("details.answer"):
            answer.decompose()
        shown = [code.get_text().strip() for code in soup("pre")]
        for run in cells.solution_runs(notebooks[entry["number"]].cells):
            assert cells.as_lesson(run)[0].source in shown
            assert not {cell.source for cell in run} & {*shown}


def test_figures_have_words_panels_their_html_and_text_stands_as_in_the_end(page):
    assert 'alt="Two &lt;bars&gt;. Across: seconds. a: 1; b: 2."' in page
    assert PANEL in page and "Here is a control panel." in page
    assert '<td><a href="13_your_own_images.html">as HTML</a></td>' in page
    shown = re.findall('<pre class="out">(.*?)</pre>', page, re.S)
    assert shown[1:] == [  # the first says which Keras
        ' 2 of 2\n<span class="ansi-red-fg">stand</span> &lt;here&gt;',
        "told apart",
        "the secret is 42",
    ]


def test_mentions_become_links_and_headings_of_one_name_have_two_anchors(page):
    shown = 'As in <a href="05_freeze_the_base.html">lesson 05</a> &amp; lesson 77'
    assert f"{shown}, in <code>lesson 06</code>" in page
    assert '<a href="#Two">lesson 07</a>' in page
    assert '<a href="05_freeze_the_base.html">the answers</a>' in page
    assert '<h2 id="Two">' in page and '<h2 id="Two-again">' in page
    assert '<li><a href="#Two-again">Two</a></li>' in page


def test_links_of_the_repository_lead_to_pages():
    lesson = "notebooks/05_freeze_the_base.ipynb"
    assert make_site.address("README.md", lesson) == "05_freeze_the_base.html"
    assert make_site.address("README.md", "notebooks/solutions") is None
    assert make_site.address(lesson, "../README.md#licences") == "index.html#licences"
    assert make_site.address(lesson, "#Quiz") == "#Quiz"
    assert make_site.address(lesson, "https://keras.io/") == "https://keras.io/"
    with pytest.raises(ValueError, match="Received: 99_gone.ipynb"):
        make_site.address(lesson, "99_gone.ipynb")


def test_only_changed_code_is_run_again(small, cache, tmp_path, monkeypatch):
    def missing(text, environment="here"):
        monkeypatch.setattr(make_site, "environment", lambda: environment)
        path = as_notebook(tmp_path, text)
        with pytest.raises(KeyError):  # since `_fill` does nothing
            make_site.execute([path], 1, cache)
        return asked.pop()

    asked = []
    monkeypatch.setattr(make_site, "_fill", lambda _, missing, n: asked.extend(missing))
    monkeypatch.setattr(make_site, "environment", lambda: "here")
    path = as_notebook(tmp_path, SMALL.replace("A small lesson", "More words"))
    again = make_site.execute([path], 1, cache)["00"]
    assert asked == [] and again.cells[0].source.startswith("# 00 · More words")
    assert again.cells[2].outputs == small.cells[2].outputs != []
    assert missing(SMALL + "\nlen('new')") == path
    assert missing(SMALL, "with another package") == path
    assert [folder.name for folder in cache.iterdir()] == ["with another package"]


def test_an_edited_package_is_another_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(make_site, "ROOT", tmp_path)
    (tmp_path / "tlcourse").mkdir()
    seen = set()
    for name, text in (("a.py", "1"), ("a.py", "2"), ("a.css", "2")):
        (tmp_path / "tlcourse" / name).write_text(text)
        seen |= {make_site.environment(), make_site.environment()}
    assert len(seen) == 3
