"""Builds the course as pages to read: build/site, from README and executed lessons.

make site

Nothing on the pages comes from a network, neither when they are made nor when they
are read.
"""

import argparse
import concurrent.futures
import functools
import html
import json
import pathlib
import posixpath
import re
import shutil
import sys

import jinja2

import check_site
import executed
import lesson_page
import texts

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SITE = ROOT / "build" / "site"
COURSE = "Transfer learning, lesson by lesson"
# What other files of the repository are on the site.
TEXTS = {
    "README.md": "index.html",
    "CONTRIBUTING.md": "contributing.html",
    "data/README.md": "data.html",
    "deploy/README.md": "deploy.html",
    "slides/instructors_guide.md": "instructors_guide.html",
}
COPIES = {
    "LICENSE": "LICENSE.txt",
    "LICENSE-TEXT": "LICENSE-TEXT.txt",
    "deploy/jupyterhub_config.py": "jupyterhub_config.txt",
    "deploy/z2jh_values.yaml": "z2jh_values.txt",
    "notebooks/images/lesson.png": "lesson.png",
    "slides/deck.html": "deck.html",
    "slides/deck.pdf": "deck.pdf",
}
# Folders with a link in README; on the site, what is in them is in the lessons.
NOT_HERE = ("notebooks/solutions",)
MAP = re.compile(r"<!-- course map.*?<!-- end of map -->", re.DOTALL)


@functools.cache
def course_map():
    """list of dicts, each lesson as lessons.json has it, and its `page`."""
    listed = json.loads((ROOT / "tlcourse/course/lessons.json").read_text("utf-8"))
    return [{**each, "page": f"{each['file'][:-6]}.html"} for each in listed]


def address(source, url):
    """Where a link of the repository leads on the site.

    Args:
        source: String, the file with the link, from the root of the repository.
        url: String, the link as it stands there.

    Returns:
        String, or None if the site has nothing for it.

    Raises:
        ValueError: If the repository has nothing for it either.
    """
    if re.match(r"[a-z]+:|#", url):
        return url
    path, mark, anchor = url.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    known = TEXTS | COPIES
    for entry in course_map():
        for folder in ("notebooks", "notebooks/solutions"):
            known[f"{folder}/{entry['file']}"] = entry["page"]
    if path in known:
        return known[path] + mark + anchor
    if path in NOT_HERE:
        return None
    raise ValueError(
        f"{source}: expected a link to a file that the site has, a lesson or one of "
        f"{', '.join([*TEXTS, *COPIES])}. Received: {url}"
    )


def lesson(entry, notebook):
    """The page of a lesson.

    Args:
        entry: dict, see `course_map`.
        notebook: `nbformat.NotebookNode` with the solutions and all outputs.

    Returns:
        String, HTML.
    """
    source = f"notebooks/{entry['file']}"
    reader = texts.Reader(functools.partial(address, source))
    body = lesson_page.body(notebook, reader)
    others = {e["number"]: e["page"] for e in course_map() if e != entry}
    place = course_map().index(entry)
    return frame(
        entry["page"],
        f"{entry['number']} · {entry['title']}",
        texts.with_links_to_lessons(body, others),
        sections=_sections(reader.headings),
        before=course_map()[place - 1] if place else None,
        after=course_map()[place + 1] if place + 1 < len(course_map()) else None,
        notebook=source,
    )


def _sections(headings):
    """Anchor and name of each section, for the list at the side."""
    return [
        (anchor, name.replace("📝 ", ""))
        for level, anchor, name in headings
        if level == 2
    ]


def text(source):
    """The page of a Markdown file. README's table of lessons becomes cards.

    Args:
        source: String, one of `TEXTS`.

    Returns:
        String, HTML.
    """
    markdown = (ROOT / source).read_text("utf-8")
    reader = texts.Reader(functools.partial(address, source))
    cards = template("cards.html").render(course_map=course_map())
    body = reader.html(MAP.sub("<!-- cards -->", markdown))
    body = body.replace("<!-- cards -->", cards)
    title = next(text for level, _, text in reader.headings if level == 1)
    pages = {each["number"]: each["page"] for each in course_map()}
    body = texts.with_links_to_lessons(body, pages)
    return frame(TEXTS[source], html.unescape(title), body)


def frame(page, title, body, **more):
    """A whole page around a text.

    Args:
        page: String, its file name.
        title: String, plain text.
        body: String, HTML.
        more: What else templates/page.html takes.

    Returns:
        String, HTML.
    """
    known = {"course": COURSE, "course_map": course_map()}
    return template("page.html").render(
        page=page, title=title, body=body, **known, **more
    )


def template(name):
    """A template of the folder templates, as Jinja has it."""
    loader = jinja2.FileSystemLoader(HERE / "templates")
    made = jinja2.Environment(loader=loader, autoescape=True)
    made.filters["with_code"] = executed.build.as_html
    return made.get_template(name)


def write(folder, notebooks):
    """Writes all pages, and what they need.

    Args:
        folder: `pathlib.Path`; is emptied before.
        notebooks: dict, number of a lesson to its notebook with the solutions.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = {name: text(source) for source, name in TEXTS.items()}
    for entry in course_map():
        pages[entry["page"]] = lesson(entry, notebooks[entry["number"]])
    for name, content in pages.items():
        (folder / name).write_text(content, "utf-8", newline="\n")
    for name in ("site.css", "site.js"):
        shutil.copy(HERE / "templates" / name, folder)
    for source, name in COPIES.items():
        shutil.copy(ROOT / source, folder / name)


def execute(workers):
    """All lessons with their outputs; tells what it does.

    Args:
        workers: Integer, lessons at a time.

    Returns:
        dict, number of a lesson to its notebook.
    """
    paths = [ROOT / "notebooks" / "solutions" / e["file"] for e in course_map()]
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(executed.executed, path) for path in paths]
        try:
            return dict(map(_told, paths, waiting))
        except BaseException:  # the rest need not begin
            pool.shutdown(cancel_futures=True)
            raise


def _told(path, waiting):
    notebook, seconds = waiting.result()
    what = f"run in {seconds:.0f} s" if seconds else "not changed"
    print(f"{path.stem}: {what}", flush=True)
    return path.name[:2], notebook


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="lessons at a time")
    workers = parser.parse_args().workers
    try:
        write(SITE, execute(workers))
    except (executed.build.BuildError, ValueError) as error:
        sys.exit(str(error))
    found = check_site.problems(SITE)
    if found:
        sys.exit("\n".join(found))
    print(f"open {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
