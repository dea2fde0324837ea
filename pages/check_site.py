"""Looks for broken links and for what keeps people out: pages in build/site.

    make check-site

Links, anchors, alternative texts and the order of headings are read from the files;
axe-core looks at each page in Chromium, in light and in dark, wide and narrow.
"""

import argparse
import collections
import importlib.resources
import pathlib
import re
import shutil
import sys
import urllib.parse

import bs4

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lessons"))
# Made by another program, looked at by the tests of the slides.
NOT_OURS = ("deck.html",)
WEB = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/\S*)?$")
LOADING = ("img", "script", "link", "iframe", "source", "video", "audio", "embed")
NO_WORDS = ("", "No description has been provided for this image")  # nbconvert's
SERIOUS = ("serious", "critical")
VIEWS = ((1280, "light"), (390, "dark"))
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def problems(folder):
    """What is wrong in the files of the pages: a list of strings.

    Every link should lead somewhere, every image have words, headings be in order,
    and nothing be loaded from elsewhere.
    """
    pages = {
        path.name: bs4.BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in _ours(folder)
    }
    found = [] if pages else [f"{folder}: no pages"]
    for name, page in pages.items():
        told = [*_faults(page), *_broken_links(folder, name, pages)]
        found += [f"{name}: {problem}" for problem in told]
    return found


def _ours(folder):
    return [path for path in sorted(folder.glob("*.html")) if path.name not in NOT_OURS]


def _faults(page):
    if not (page.html.get("lang") and page.title.get_text(strip=True)):
        yield "no language or no title"
    for image in page("img"):
        if image.get("alt", "").strip() in NO_WORDS:
            yield f"an image without words: {image.get('src', '')[:60]}"
    levels = [int(heading.name[1]) for heading in page(re.compile("^h[1-6]$"))]
    if levels.count(1) != 1:
        yield f"expected one h1, found {levels.count(1)}"
    for level, following in zip([0, *levels], levels, strict=False):
        if following > level + 1:
            yield f"h{following} after h{level}"
    for name, times in collections.Counter(t["id"] for t in page(id=True)).items():
        if times > 1:
            yield f"the id {name!r} twice"


def _broken_links(folder, name, pages):
    for tag in pages[name].select("[href], [src]"):
        link = tag.get("href") or tag.get("src")
        if tag.name not in LOADING:
            yield from _broken(folder, name, link, pages)
        elif not (link.startswith("data:") or (folder / link).is_file()):
            yield f"not in the folder: {link[:80]}"


def _broken(folder, name, link, pages):
    parts = urllib.parse.urlsplit(link)
    target = urllib.parse.unquote(parts.path) or name
    anchor = urllib.parse.unquote(parts.fragment)
    if parts.scheme:
        if not WEB.match(link):
            yield f"a strange link: {link}"
    elif not (folder / target).is_file():
        yield f"a link to nothing: {link}"
    elif anchor and not (target in pages and pages[target].find(id=anchor)):
        yield f"a link to an anchor that is not there: {link}"


def violations(folder, names=None):
    """What axe-core finds in Chromium, serious or worse, and what pages ask a network.

    `names` are file names, or None for all pages. Gives a list of strings.
    """
    from images import lab

    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    paths = [path for path in _ours(folder) if names is None or path.name in names]
    found = []
    for width, scheme in VIEWS:
        with lab.browse(width) as page:
            page.emulate_media(color_scheme=scheme)
            asked = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            for path in paths:
                told = _look(page, path, axe.read_text("utf-8"))
                found += [f"{path.name}, {width} {scheme}: {each}" for each in told]
            away = {url for url in asked if not url.startswith(("file:", "data:"))}
            found += [f"asks the network: {url}" for url in sorted(away)]
    return found


def _look(page, path, axe):
    page.goto(path.as_uri())
    page.evaluate(
        "document.querySelectorAll('main details').forEach(d => d.open = true)"
    )
    page.wait_for_timeout(100)  # until the script has seen what is open now
    too_wide = page.evaluate(OVERFLOW)
    told = [f"{too_wide} pixels wider than the screen"] if too_wide > 0 else []
    page.evaluate(axe)
    for each in page.evaluate("axe.run()")["violations"]:
        if each["impact"] in SERIOUS:
            first = each["nodes"][0]
            told.append(
                f"{each['id']}, {len(each['nodes'])} times: {first['html'][:120]} "
                f"{' '.join(first['failureSummary'].split())[:200]}"
            )
    return told


def main():
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    folder = (parser.parse_args().folder or ROOT / "build" / "site").resolve()
    found = problems(folder)
    if shutil.which("chromium"):
        found += violations(folder)
    else:
        print("no Chromium here: axe-core has not looked at the pages")
    if found:
        sys.exit("\n".join(found))
    print(f"{folder}: nothing found")


if __name__ == "__main__":
    main()
