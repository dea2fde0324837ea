"""Builds deck.html and deck.pdf from deck.md: `make slides`.

Numbers in double braces come from figures/numbers.json and the lessons' minutes.
Marp CLI turns the Markdown into slides; images and fonts go into the HTML.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from tlcourse.widgets import pictures

SLIDES = pathlib.Path(__file__).resolve().parent
SOURCES = ("deck.md", "theme.css", "start_picture.js", ".marprc.yml", "package.json")
MIME = {".svg": "image/svg+xml", ".png": "image/png"}
FONTS = (
    ("Source Sans 3", "source-sans-3", 400),
    ("Source Sans 3", "source-sans-3", 700),
    ("Source Code Pro", "source-code-pro", 400),
    ("Source Code Pro", "source-code-pro", 600),
)
CREDITS = (
    "<!-- Made with Marp (MIT). Fonts: Source Sans 3 and Source Code Pro, SIL Open "
    "Font License 1.1. Text and pictures: CC BY 4.0. -->"
)
DATA = ("glyphs_base", "drawings", "label_curves", "freeze_line")
START = (SLIDES / "start_picture.js").read_text("utf-8")
PLACE = re.compile(r"\{\{(\w+)\}\}")
IMAGE = re.compile(r"!\[([^\]]+)\]\((figures/[\w.]+)\)")


def lessons():
    """dict, number to notebook, minutes of teaching and minutes of exercises."""
    path = SLIDES.parent / "tlcourse" / "course" / "lessons.json"
    found = {}
    for entry in json.loads(path.read_text("utf-8")):
        minutes = entry["teaching"], entry["practice"]
        found[entry["number"]] = (entry["file"], *minutes)
    return found


def _opens(file, teaching, practice):
    exercises = f", and {practice} for the exercises" if practice else ""
    return f"Open `{file}`  \n{teaching} minutes{exercises}"


def filled():
    """The deck's Markdown with its numbers; `KeyError` where there is none."""
    values = json.loads((SLIDES / "figures" / "numbers.json").read_text("utf-8"))
    values |= {f"open_{number}": _opens(*told) for number, told in lessons().items()}
    text = (SLIDES / "deck.md").read_text("utf-8")
    return PLACE.sub(lambda match: values[match[1]], text)


def figures():
    """list of the figures that the deck shows, in order."""
    return [match[2] for match in IMAGE.finditer(filled())]


def fingerprint():
    """SHA-256 of all that the built files come from, as hexadecimal digits."""
    digest = hashlib.sha256(filled().encode())
    for name in (*SOURCES, *figures()):
        digest.update(b"\0" + name.encode() + b"\0" + (SLIDES / name).read_bytes())
    for name, text in sorted(pictures.page_files().items()):
        digest.update(b"\0" + name.encode() + b"\0" + text.encode())
    return digest.hexdigest()


def _size(name):
    """Width and height on the slide, pixels."""
    content = (SLIDES / name).read_bytes()
    if name.endswith(".svg"):
        points = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"|$', content)
        found = re.search(rb'height="([\d.]+)pt"[^>]* width="([\d.]+)pt"', content)
        sides = found.groups()[::-1] if found else points.groups()
        return [round(float(side) * 96 / 72) for side in sides]
    dots = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
    return [round(side * 96 / 144) for side in dots]


def _with_sizes(text):
    def sized(match):
        width, height = _size(match[2])
        return f"![{match[1]} w:{width}px h:{height}px]({match[2]})"

    return IMAGE.sub(sized, text)


def _inline(path):
    data = base64.b64encode(path.read_bytes()).decode()
    return f"data:{MIME.get(path.suffix, 'font/woff2')};base64,{data}"


def _theme():
    """The theme with the fonts in it."""
    faces = []
    for family, package, weight in FONTS:
        folder = SLIDES / "node_modules" / "@fontsource" / package / "files"
        source = _inline(folder / f"{package}-latin-{weight}-normal.woff2")
        faces.append(
            f'@font-face {{ font-family: "{family}"; font-weight: {weight}; '
            f"src: url({source}) format('woff2'); }}"
        )
    return "\n".join([(SLIDES / "theme.css").read_text("utf-8"), *faces])


def _marp(source, theme, out, *options):
    command = ["npx", "--no-install", "marp", str(source), "--theme-set", str(theme)]
    command += ["--config-file", ".marprc.yml", "--output", str(out), *options]
    # Otherwise Marp reads from a pipe that nobody writes to.
    done = subprocess.run(
        command, cwd=SLIDES, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"Marp failed: {done.stderr}")


def _alive(text):
    """Stills of pictures to touch come alive at a click; what they need goes in."""
    shown = [name for name in pictures.ON_A_PAGE if _still(name) in text]
    files = pictures.page_files()
    wanted = [f"{name}.js" for name in shown]
    wanted += [f"{name}.js" for name in DATA if any(name in files[x] for x in wanted)]
    for name in shown:
        button = f'<img data-still="{name}" role="button" tabindex="0" src='
        text = text.replace(f'<img src="{_still(name)}"', f'{button}"{_still(name)}"')
    inside = [f'<script type="text/plain" id="{x}">{files[x]}</script>' for x in wanted]
    inside.append(f"<style>{files['pictures.css']}</style><script>{START}</script>")
    return text.replace("</body>", f"{''.join(inside)}</body>", 1)


def _still(name):
    return f"figures/touch_{name}.png"


def _finish(text):
    """Images go in, and the fingerprint of the sources."""
    text = _alive(text)
    for name in dict.fromkeys(figures()):
        text = text.replace(f'src="{name}"', f'src="{_inline(SLIDES / name)}"')
    mark = f'<meta name="sources-sha256" content="{fingerprint()}">{CREDITS}'
    text = text.replace(
        "https://unpkg.com/", ""
    )  # in a comment; the deck names no host
    return text.replace("</head>", f"{mark}</head>", 1)


def build(folder, pdf=True):
    """Builds deck.html and, with Chromium, deck.pdf into a folder."""
    # Marp finds figures relative to the Markdown, so this lies beside deck.md.
    handle, name = tempfile.mkstemp(".partial", "deck-", SLIDES)
    os.close(handle)
    source = pathlib.Path(name)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            theme = pathlib.Path(scratch, "theme.css")
            theme.write_text(_theme(), "utf-8")
            source.write_text(_with_sizes(filled()), "utf-8")
            page = pathlib.Path(scratch, "deck.html")
            _marp(source, theme, page)
            finished = _finish(page.read_text("utf-8"))
            pathlib.Path(folder, "deck.html").write_text(finished, "utf-8")
            if pdf:
                chromium = ("--browser", "chrome", "--browser-path")
                path = shutil.which("chromium")
                options = (*chromium, path, "--pdf", "--allow-local-files")
                options += ("--keywords", fingerprint())
                _marp(source, theme, pathlib.Path(folder, "deck.pdf"), *options)
    finally:
        source.unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=SLIDES, type=pathlib.Path)
    parser.add_argument("--no-pdf", action="store_true")
    options = parser.parse_args()
    build(options.out, pdf=not options.no_pdf)
