"""Builds the course as pages to read: build/site, from README and executed lessons.

make site

Nothing on the pages comes from a network, neither when they are made nor when they
are read.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import importlib.metadata
import json
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys

import bs4
import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lessons"))

import check_site  # noqa: E402  (the folder has to be on the path first)
import colab  # noqa: E402
import course  # noqa: E402
import outputs  # noqa: E402
import rendering  # noqa: E402
from cells import BuildError  # noqa: E402
from tlcourse.widgets import pictures  # noqa: E402

SITE = ROOT / "build" / "site"
CACHE = ROOT / "build" / "jupyter_cache"
COURSE = "Transfer learning, lesson by lesson"
# What other files of the repository are on the site.
TEXTS = {
    "CONTRIBUTING.md": "contributing.html",
    "data/README.md": "data.html",
    "deploy/README.md": "deploy.html",
    "slides/instructors_guide.md": "instructors_guide.html",
    "BEYOND.md": "beyond.html",
}
COPIES = {
    "LICENSE": "LICENSE.txt",
    "LICENSE-TEXT": "LICENSE-TEXT.txt",
    "deploy/jupyterhub_config.py": "jupyterhub_config.txt",
    "deploy/z2jh_values.yaml": "z2jh_values.txt",
    "CITATION.cff": "CITATION.txt",
    "lessons/images/teach.gif": "teach.gif",
    "lessons/images/teach.png": "teach.png",
    "slides/deck.html": "deck.html",
    "slides/deck.pdf": "deck.pdf",
}
THUMBNAILS = ROOT / "lessons" / "images" / "thumbnails"
DESCRIPTION = (
    "An open notebook course on transfer learning with Keras 3: take a network that "
    "others trained, and teach it your task. On a laptop, without a network."
)


@functools.cache
def course_map():
    """list of dicts, each lesson as lessons.json has it, and its `page`."""
    listed = json.loads((ROOT / "tlcourse/course/lessons.json").read_text("utf-8"))
    words = json.loads((THUMBNAILS / "words.json").read_text("utf-8"))
    return [
        {
            **each,
            "page": f"{each['file'][:-6]}.html",
            "thumbnail": f"{each['number']}.png" if each["number"] in words else None,
            "words": words.get(each["number"]),
        }
        for each in listed
    ]


def address(source, url):
    """Where the link `url` in the file `source` leads on the site.

    Gives None if the site has nothing for it; raises `ValueError` if the repository
    has nothing for it either.
    """
    if re.match(r"[a-z]+:|#", url):
        return url
    path, mark, anchor = url.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    known = TEXTS | COPIES | {"README.md": "index.html"}
    for entry in course_map():
        for folder in ("notebooks", "notebooks/solutions"):
            known[f"{folder}/{entry['file']}"] = entry["page"]
    if path in known:
        return known[path] + mark + anchor
    if path == "notebooks/solutions":  # each answer is in its lesson
        return None
    raise ValueError(
        f"{source}: expected a link to a file that the site has, a lesson or one of "
        f"{', '.join([*TEXTS, *COPIES])}. Received: {url}"
    )


def lesson(entry, notebook):
    """The page of a lesson, given its solution with all outputs."""
    place, source = course_map().index(entry), f"notebooks/{entry['file']}"
    others = {e["number"]: e["page"] for e in course_map() if e != entry}
    soup = rendering.render(notebook, functools.partial(address, source), others)
    return frame(
        entry["page"],
        f"{entry['number']} · {entry['title']}",
        soup,
        sections=[(h["id"], h.decode_contents().replace("✎ ", "")) for h in soup("h2")],
        before=course_map()[place - 1] if place else None,
        after=course_map()[place + 1] if place + 1 < len(course_map()) else None,
        notebook=source,
        file=entry["file"],
        colab=(found := colab.read(ROOT / "lessons")) and found.link(source),
        description=f"You will be able to {' '.join(entry['outcome'].split())}",
    )


def text(source):
    """The page of a Markdown file."""
    markdown = (ROOT / source).read_text("utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(markdown)])
    pages = {each["number"]: each["page"] for each in course_map()}
    soup = rendering.render(notebook, functools.partial(address, source), pages)
    return frame(TEXTS[source], soup.h1.get_text(), soup)


def home():
    """The first page: what it is, a picture to touch, ways to learn, the lessons."""
    found = colab.read(ROOT / "lessons")
    made = rendering.template("home.html").render(
        fact=re.sub(r"\*\*(.*?)\*\*", r"<strong>\1</strong>", course.fact()),
        still=pictures.Teach.said,
        cards=rendering.template("cards.html").render(course_map=course_map()),
        colab=found and found.link(f"notebooks/{course_map()[0]['file']}"),
        course_map=course_map(),
    )
    return frame("index.html", COURSE, bs4.BeautifulSoup(made, "html.parser"))


def frame(page, title, body, **more):
    """A complete page around a body; `more` is what templates/page.html takes."""
    shown = {each["data-picture"] for each in body.select("[data-picture]")}
    more |= {"course": COURSE, "course_map": course_map(), "body": str(body)}
    found = colab.read(ROOT / "lessons")
    more["home"] = found and found.pages
    more.setdefault("description", DESCRIPTION)
    more["pictures"] = sorted(shown)
    return rendering.template("page.html").render(page=page, title=title, **more)


def write(folder, notebooks):
    """Writes all pages and what they need into a folder, which is emptied before.

    `notebooks` is a dict, number of a lesson to its solution with all outputs.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = {name: text(source) for source, name in TEXTS.items()}
    pages["index.html"] = home()
    looking = bs4.BeautifulSoup(
        (rendering.TEMPLATES / "search.html").read_text("utf-8"), "html.parser"
    )
    pages["search.html"] = frame("search.html", "Search", looking)
    for entry in course_map():
        pages[entry["page"]] = lesson(entry, notebooks[entry["number"]])
    for name, content in pages.items():
        (folder / name).write_text(content, "utf-8", newline="\n")
    for name in ("site.css", "site.js", "favicon.svg"):
        shutil.copy(rendering.TEMPLATES / name, folder)
    for entry in course_map():
        shutil.copy(ROOT / "notebooks" / entry["file"], folder)
        if entry["thumbnail"]:
            shutil.copy(THUMBNAILS / entry["thumbnail"], folder)
    for name, content in pictures.page_files().items():
        (folder / name).write_text(content, "utf-8")
    for source, name in COPIES.items():
        shutil.copy(ROOT / source, folder / name)


def index_words(folder):
    """Lets Pagefind make what the search page looks in."""
    command = [sys.executable, "-m", "pagefind", "--site", str(folder)]
    subprocess.run([*command, "--force-language", "en"], check=True)


def environment():
    """A checksum of the Python, the libraries, the package and the data."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("keras", "matplotlib", "numpy"):
        digest.update(importlib.metadata.version(name).encode())
    package = sorted((ROOT / "tlcourse").rglob("*.*"))
    for path in [*package, ROOT / "data" / "SHA256SUMS"]:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def execute(paths, workers, folder=CACHE):
    """Notebooks with all their outputs, from jupyter-cache or run now, in processes.

    jupyter-cache knows code only; outputs of another `environment` are thrown away.
    Gives a dict, number of a lesson to its notebook.
    """
    ours = folder / environment()
    for old in set(folder.glob("*")) - {ours}:
        shutil.rmtree(old)
    cache = get_cache(ours)
    asked = {path: nbformat.read(path, as_version=4) for path in paths}
    _fill(cache, {p: nb for p, nb in asked.items() if not _has(cache, nb)}, workers)
    keep = {"nb_meta": (), "cell_meta": ()}  # the text may have changed since
    return {
        path.name[:2]: cache.merge_match_into_notebook(notebook, **keep)[1]
        for path, notebook in asked.items()
    }


def _has(cache, notebook):
    try:
        return bool(cache.match_cache_notebook(notebook))
    except KeyError:
        return False


def _fill(cache, notebooks, workers):
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        waiting = {
            pool.submit(outputs.run, *pair): pair[0] for pair in notebooks.items()
        }
        try:
            for done in concurrent.futures.as_completed(waiting):
                path, ran = waiting[done], done.result()
                ran.metadata = notebooks[path].metadata  # nbclient names the kernel
                cache.cache_notebook_bundle(CacheBundleIn(ran, str(path)))
                print(f"{path.stem}: run", flush=True)
        except BaseException:  # the rest need not begin
            pool.shutdown(cancel_futures=True)
            raise


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="lessons at a time")
    workers = parser.parse_args().workers
    paths = [ROOT / "notebooks" / "solutions" / e["file"] for e in course_map()]
    try:
        write(SITE, execute(paths, workers))
        index_words(SITE)
    except (BuildError, ValueError) as error:
        sys.exit(str(error))
    if found := check_site.problems(SITE):
        sys.exit("\n".join(found))
    print(f"open {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
