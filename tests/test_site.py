"""The course as pages: one small lesson is run, the others stand as they are stored."""

import os
import re
import shutil

import nbformat
import pytest

import build
import check_site
import executed
import lesson_page
import make_site
import texts

in_a_browser = pytest.mark.skipif(
    not shutil.which("chromium") and "CI" not in os.environ,
    reason="no Chromium here; in CI its absence is a failure",
)
WATCHED = ("index.html", "00_start_here.html", "05_freeze_the_base.html")
SMALL = """# %% [markdown]
# # 00 · A small lesson
#
# As in lesson 05, and in `lesson 06`. See
# [the answers](solutions/05_freeze_the_base.ipynb).
#
# ## Every kind of output

# %%
import tlcourse

tlcourse.start()

# %%
from tlcourse import plots

print("\\r 1 of 2", end="")
print("\\r 2 of 2")
print("stand <here>")
plots.bars({"a": 1, "b": 2}, "Two bars", "seconds");

# %%
import sys

import ipywidgets

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
# ## 📝 Exercise 0.1

# %% tags=["solution"]
answer = 6 * 7
print("the secret is", answer)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The small lesson with its answers, and run."""
    folder = tmp_path_factory.mktemp("small")
    source = folder / "source.py"
    source.write_text(SMALL)
    path = folder / "00_start_here.ipynb"
    build.write(path, build.assemble("small", build.read_source(source)))
    return path


@pytest.fixture(scope="module")
def ran(small):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        return executed.executed(small, small.parent / "cache")


@pytest.fixture(scope="module")
def notebooks(ran):
    solutions = sorted((make_site.ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    read = {path.name[:2]: nbformat.read(path, as_version=4) for path in solutions}
    return {**read, "00": ran[0]}


@pytest.fixture(scope="module")
def site(notebooks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "pages"
    make_site.write(folder, notebooks)
    return folder


@pytest.fixture(scope="module")
def page(site):
    return (site / "00_start_here.html").read_text("utf-8")


def test_links_lead_somewhere_images_have_words_and_headings_are_in_order(site):
    assert check_site.problems(site) == []


def test_each_lesson_has_a_page_that_leads_to_the_next(site):
    entries = make_site.course_map()
    assert len(entries) >= 14
    for one, following in zip(entries, entries[1:], strict=False):
        text = (site / one["page"]).read_text("utf-8")
        assert f'<a rel="next" href="{following["page"]}">' in text
        back = (site / following["page"]).read_text("utf-8")
        assert f'<a rel="prev" href="{one["page"]}">' in back


@in_a_browser
def test_axe_finds_nothing_serious_and_nothing_asks_the_network(site):
    assert check_site.violations(site, WATCHED) == []


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


GOOD = "<html lang='en'><title>T</title><h1 id='a b'>T</h1>{}</html>"


@pytest.mark.parametrize(
    "fault, told",
    [
        ("<a href='gone.html'>x</a>", "a link to nothing: gone.html"),
        ("<a href='#gone'>x</a>", "an anchor that is not there: #gone"),
        ("<a href='p.html#gone'>x</a>", "an anchor that is not there: p.html#gone"),
        ("<a href='http://keras'>x</a>", "a strange link: http://keras"),
        ("<img src='data:image/png;base64,AA' alt=' '>", "an image without words"),
        ("<script src='https://a.org/b.js'></script>", "not in the folder: https://a"),
        ("<h3>x</h3>", "h3 after h1"),
        ("<h1>x</h1>", "expected one h1, found 2"),
        ("<p id='p'></p><p id='p'></p>", "the id 'p' twice"),
    ],
)
def test_the_checker_finds_each_fault(fault, told, tmp_path):
    (tmp_path / "p.html").write_text(GOOD.format("<a href='p.html#a%20b'>x</a>"))
    assert check_site.problems(tmp_path) == []
    (tmp_path / "p.html").write_text(GOOD.format(fault))
    (found,) = check_site.problems(tmp_path)
    assert found.startswith("p.html: ") and told in found


def test_a_folder_without_pages_is_not_sound(tmp_path):
    assert check_site.problems(tmp_path) == [f"{tmp_path}: no pages"]


def without_answers(text):
    return re.sub(r'<details class="answer">.*?</details>', "", text, flags=re.S)


def test_answers_are_closed_until_somebody_opens_them(site, page, notebooks):
    assert "the secret is" in page and "secret" not in without_answers(page)
    assert "<details open" not in page
    for entry in make_site.course_map():
        open_part = without_answers((site / entry["page"]).read_text("utf-8"))
        for run in build.solution_runs(notebooks[entry["number"]].cells):
            given = build.without_solutions(run)[0].source
            assert texts.coloured(given) in open_part
            assert texts.coloured(run[-1].source) not in open_part


def test_a_figure_has_its_words_and_a_panel_its_html(page):
    assert '<img alt="Two bars. Across: seconds. a: 1; b: 2."' in page
    assert f'<p class="note">{lesson_page.STILL}</p>' in page
    assert '<td><a href="13_your_own_images.html">as HTML</a></td>' in page
    assert '<pre class="out">panel' not in page
    assert f'<p class="note">{lesson_page.UNSEEN}</p>' in page
    assert '<pre class="out">Float' not in page


def test_console_output_is_as_it_stood_in_the_end(page):
    shown = re.findall('<pre class="out">(.*?)</pre>', page, re.S)
    assert " 2 of 2\nstand &lt;here&gt;" in shown and "told apart" in shown
    assert texts.console("\x1b[31mred\x1b[0m\r\nend\n") == (
        '<span class="ansi-red-fg">red</span>\nend'
    )


def test_a_picture_without_words_is_refused():
    data = {"image/png": "AAAA", "text/plain": "<Figure>"}
    out = {"output_type": "display_data", "data": data, "metadata": {}}
    with pytest.raises(ValueError, match="Received: <Figure>"):
        lesson_page.output(out, None)
    out["metadata"] = {"image/png": {"alt": "A <bar>"}}
    assert '<img alt="A &lt;bar&gt;"' in lesson_page.output(out, None)


def test_mentions_of_lessons_become_links_code_and_links_stay(page):
    assert 'As in <a href="05_freeze_the_base.html">lesson 05</a>' in page
    assert "<code>lesson 06</code>" in page
    assert '<a href="05_freeze_the_base.html">the answers</a>' in page
    unknown = "<p>lesson 77, <a href='x'>lesson 05</a></p>"
    assert texts.with_links_to_lessons(unknown, {"05": "five.html"}) == unknown


def test_links_of_the_repository_lead_to_pages():
    lesson = "notebooks/05_freeze_the_base.ipynb"
    assert make_site.address("README.md", lesson) == "05_freeze_the_base.html"
    assert make_site.address("README.md", "notebooks/solutions") is None
    assert make_site.address(lesson, "../README.md#licences") == "index.html#licences"
    assert make_site.address(lesson, "#Quiz") == "#Quiz"
    assert make_site.address(lesson, "https://keras.io/") == "https://keras.io/"
    with pytest.raises(ValueError, match="Received: 99_gone.ipynb"):
        make_site.address(lesson, "99_gone.ipynb")


def test_headings_of_one_name_have_anchors_of_their_own():
    reader = texts.Reader(lambda url: url)
    reader.html("## Where to?\n\n## Where to?")
    assert [anchor for _, anchor, _ in reader.headings] == [
        "Where-to?",
        "Where-to?-again",
    ]


def test_only_changed_code_is_run_again(small, ran, monkeypatch, tmp_path):
    def refuse(*_):
        raise AssertionError("it was run again")

    monkeypatch.setattr(build, "run", refuse)
    assert ran[1] > 0
    notebook = nbformat.read(small, as_version=4)
    notebook.cells[0].source += "\n\nMore words."
    changed = tmp_path / small.name
    build.write(changed, notebook)
    again, seconds = executed.executed(changed, small.parent / "cache")
    assert seconds == 0
    assert again.cells[0].source.endswith("More words.")
    assert again.cells[2].outputs == ran[0].cells[2].outputs != []

    notebook.cells[1].source += "\nlen('new')"
    build.write(changed, notebook)
    with pytest.raises(AssertionError, match="run again"):
        executed.executed(changed, small.parent / "cache")
