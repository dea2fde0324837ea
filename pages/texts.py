"""Markdown, code and console output as HTML."""

import html
import re

import mistune
from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

# Where a mention of a lesson stays as it is: tags, and inside these.
SPARED = re.compile(
    r"(<(a|code|pre|h\d|summary)\b.*?</\2>|<[^>]+>)", re.DOTALL | re.IGNORECASE
)
MENTION = re.compile(r"\b([Ll]esson\s)(\d\d)\b")
HREF = re.compile(r'href="([^"]*)"')
OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")


class Text(mistune.HTMLRenderer):
    """Writes a text, and remembers its headings.

    Args:
        address: Function, a link as the text has it to a link on the page, or None
            where the page has nothing to lead to.
    """

    def __init__(self, address):
        super().__init__(escape=False)
        self.address, self.headings = address, []

    def heading(self, text, level, **_):
        """A heading with the anchor that JupyterLab would give it."""
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        anchor, taken = plain.replace(" ", "-"), [each[1] for each in self.headings]
        while anchor in taken:
            anchor += "-again"
        self.headings.append((level, anchor, text))
        return f'<h{level} id="{html.escape(anchor)}">{text}</h{level}>\n'

    def link(self, text, url, title=None):
        """A link, or only its text."""
        where = self.address(url)
        return text if where is None else super().link(text, where, title)

    def image(self, text, url, title=None):
        """A picture; its alternative text is in the Markdown."""
        return super().image(text, self.address(url), title)

    def block_code(self, code, info=None):
        """Code, coloured if it says in which language."""
        return coloured(code, info)


class Reader:
    """Turns the Markdown of one page into HTML, piece by piece.

    Args:
        address: See `Text`.
    """

    def __init__(self, address):
        self.text = Text(address)
        self._read = mistune.create_markdown(
            renderer=self.text, plugins=["table", "url"]
        )

    @property
    def headings(self):
        """list of level, anchor and HTML of each heading so far."""
        return self.text.headings

    def html(self, markdown):
        """Turns Markdown into HTML.

        Args:
            markdown: String, as GitHub and JupyterLab read it.

        Returns:
            String, HTML.
        """
        return in_frames(self._read(markdown))

    def placed(self, text):
        """Fits HTML that a cell has put out into the page.

        Args:
            text: String, HTML with links as a notebook has them.

        Returns:
            String, HTML.
        """
        linked = HREF.sub(lambda found: self._linked(found[1]), text)
        return in_frames(linked)

    def _linked(self, url):
        return f'href="{html.escape(self.text.address(html.unescape(url)) or url)}"'


def in_frames(text):
    """Puts each table in a frame of its own: on a telephone it scrolls there.

    Args:
        text: String, HTML.

    Returns:
        String, HTML.
    """
    text = re.sub(r"<table\b", r'<div class="frame"><table', text)
    return text.replace("</table>", "</table></div>")


def with_links_to_lessons(text, files):
    """Makes a link of each mention of a lesson, such as "lesson 08".

    Args:
        text: String, HTML.
        files: dict, number of a lesson to the address of its page.

    Returns:
        String, HTML.
    """

    def linked(mention):
        word, number = mention.groups()
        if number not in files:
            return mention[0]
        return f'<a href="{files[number]}">{word}{number}</a>'

    parts, at = [], 0
    for spared in SPARED.finditer(text):
        parts += [MENTION.sub(linked, text[at : spared.start()]), spared[0]]
        at = spared.end()
    return "".join([*parts, MENTION.sub(linked, text[at:])])


def coloured(code, language="python"):
    """Code as HTML.

    Args:
        code: String.
        language: String, a name that Pygments knows, or None.

    Returns:
        String, HTML.
    """
    lexer = get_lexer_by_name(language or "text", stripnl=True)
    inside = highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")
    return f'<pre class="code"><code>{inside}</code></pre>\n'


def console(text):
    """What a program wrote, as it stood there in the end.

    Args:
        text: String; a progress bar has written lines over with carriage returns.

    Returns:
        String, HTML.
    """
    return str(ansi2html(OVERWRITTEN.sub("", text.replace("\r\n", "\n")).rstrip()))
