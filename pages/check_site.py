"""Looks for broken links and for what keeps people out: pages in build/site.

    make check-site

Links, anchors, alternative texts and the order of headings are read from the files;
axe-core looks at each page in Chromium, in light and in dark, wide and narrow.
"""

import argparse
import html.parser
import importlib.resources
import pathlib
import re
import shutil
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))

# Made by another program, looked at by the tests of the slides.
NOT_OURS = ("deck.html",)
WEB = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/\S*)?$")
LOADING = ("img", "script", "link", "iframe", "source", "video", "audio", "embed")
SERIOUS = ("serious", "critical")
VIEWS = ((1280, "light"), (390, "dark"))


class Page(html.parser.HTMLParser):
    """What a page has and asks for.

    Args:
        path: `pathlib.Path` of an HTML file.
    """

    def __init__(self, path):
        super().__init__()
        self.path, self.links, self.loaded = path, [], []
        self.ids, self.headings, self.problems, self.open = [], [], [], []
        self.language, self.title = None, ""
        self.feed(path.read_text("utf-8"))
        self._judge()

    def handle_starttag(self, tag, attributes):
        """Notes a tag."""
        values = dict(attributes)
        self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "html":
            self.language = values.get("lang")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not (values.get("alt") or "").strip():
            self.problems.append(f"an image without words: {values.get('src')[:60]}")
        where = values.get("href") or values.get("src")
        if where is not None:
            (self.loaded if tag in LOADING else self.links).append(where)

    def handle_data(self, data):
        """Notes the title."""
        if self.open and self.open[-1] == "title":
            self.title += data

    def handle_endtag(self, tag):
        """Closes a tag; some are never closed."""
        while self.open and self.open.pop() != tag:
            pass

    def _judge(self):
        if not (self.language and self.title.strip()):
            self.problems.append("no language or no title")
        if self.headings.count(1) != 1:
            self.problems.append(f"expected one h1, found {self.headings.count(1)}")
        for one, next_ in zip([0, *self.headings], self.headings, strict=False):
            if next_ > one + 1:
                self.problems.append(f"h{next_} after h{one}")
        twice = {each for each in self.ids if self.ids.count(each) > 1}
        self.problems += [f"the id {each!r} twice" for each in sorted(twice)]


def problems(folder):
    """Reads all pages.

    Args:
        folder: `pathlib.Path`.

    Returns:
        list of strings, empty if every link leads somewhere, every image has
        words, headings are in order, and nothing is loaded from elsewhere.
    """
    pages = {path.name: Page(path) for path in _ours(folder)}
    found = [] if pages else [f"{folder}: no pages"]
    for name, page in pages.items():
        told = [*page.problems]
        told += [_broken(folder, page, link, pages) for link in page.links]
        told += [_from_elsewhere(folder, source) for source in page.loaded]
        found += [f"{name}: {problem}" for problem in told if problem]
    return found


def _ours(folder):
    return [path for path in sorted(folder.glob("*.html")) if path.name not in NOT_OURS]


def _broken(folder, page, link, pages):
    parts = urllib.parse.urlsplit(link)
    if parts.scheme:
        return None if WEB.match(link) else f"a strange link: {link}"
    target = urllib.parse.unquote(parts.path) or page.path.name
    anchor = urllib.parse.unquote(parts.fragment)
    if not (folder / target).is_file():
        return f"a link to nothing: {link}"
    if anchor and anchor not in (pages[target].ids if target in pages else ()):
        return f"a link to an anchor that is not there: {link}"
    return None


def _from_elsewhere(folder, source):
    if source.startswith("data:") or (folder / source).is_file():
        return None
    return f"not in the folder: {source[:80]}"


def violations(folder, names=None):
    """What axe-core finds in Chromium, serious or worse, and what pages ask a network.

    Args:
        folder: `pathlib.Path`.
        names: Sequence of file names, or None for all pages.

    Returns:
        list of strings.
    """
    from images import lab

    axe = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    found = []
    for width, scheme in VIEWS:
        with lab.browse(width) as page:
            page.emulate_media(color_scheme=scheme)
            asked = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            for path in _ours(folder):
                if names is None or path.name in names:
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


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


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
