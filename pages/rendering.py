"""Notebooks and Markdown as what is inside a page: nbconvert, then Beautiful Soup."""

import functools
import pathlib
import re

import bs4
import jinja2
import nbformat
from nbconvert import HTMLExporter

import cells

TEMPLATES = pathlib.Path(__file__).resolve().parent / "templates"
MENTION = re.compile(r"\b([Ll]esson\s)(\d\d)\b")
# Where a mention of a lesson does not become a link.
SPARED = ["a", "code", "pre", "summary", "h1", "h2", "h3"]


@functools.cache
def exporter():
    """nbconvert's exporter with our template, templates/lesson."""
    return HTMLExporter(
        template_name="lesson",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
    )


def template(name):
    """A template of the folder templates, as Jinja has it."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    made = jinja2.Environment(loader=loader, autoescape=True)
    made.filters["with_code"] = cells.as_html
    return made.get_template(name)


def render(notebook, address, lessons):
    """A notebook as a `BeautifulSoup`, its answers closed until somebody opens them.

    `address` is a function from a link in the repository to one on the site, or to
    None, which leaves only the link's text. `lessons` is a dict from a lesson's number
    to its page: mentions such as "lesson 08" become links.
    """
    notebook = nbformat.from_dict(notebook)
    for run in cells.solution_runs(notebook.cells):
        run[0].metadata.given = cells.as_lesson(run)[0].source
        run[-1].metadata.ends_answer = True
    soup = bs4.BeautifulSoup(exporter().from_notebook_node(notebook)[0], "html.parser")
    _name_headings(soup)
    _follow_links(soup, address)
    _link_mentions(soup, lessons)
    for box in soup("input", type="checkbox"):  # of a list to tick off, on paper
        box.replace_with("☐ ")
    for table in soup("table"):  # on a telephone it scrolls in its frame
        table.wrap(soup.new_tag("div", attrs={"class": "frame"}))
    return soup


def _name_headings(soup):
    """Gives each heading the anchor that JupyterLab would give it."""
    taken = set()
    for heading in soup(re.compile("^h[1-6]$")):
        anchor = heading.get_text().replace(" ", "-")
        while anchor in taken:
            anchor += "-again"
        taken.add(anchor)
        heading["id"] = anchor


def _follow_links(soup, address):
    for tag in soup.select("a[href], img[src]"):
        name = "href" if tag.name == "a" else "src"
        where = address(tag[name])
        if where is None:
            tag.unwrap()
        else:
            tag[name] = where


def _link_mentions(soup, lessons):
    def linked(mention):
        word, number = mention.groups()
        page = lessons.get(number)
        return f'<a href="{page}">{word}{number}</a>' if page else mention[0]

    for node in soup(string=MENTION):
        if type(node) is bs4.NavigableString and not node.find_parent(SPARED):
            changed = MENTION.sub(linked, node.output_ready("minimal"))
            node.replace_with(bs4.BeautifulSoup(changed, "html.parser"))
