"""Cells of the sources: read from py:percent, and changed for lessons."""

import html
import re

import jupytext
import nbformat

COMPARED = "nbval-check-output"
ANY_TRACK = "any-track"
SOLUTION = "solution"
QUIZ = "quiz"
OWN = "own"  # On your own: needs nothing of the course
CLAIM = "claim"  # what the text says of the cell before it, for the tests only
OBSERVE = "**Observe.**"
SECTION = re.compile(r"^(?=## |\*\*(?:Predict|Observe)\.\*\*)", re.MULTILINE)
PLACEHOLDER = "answer = ..."
CHECK_CALL = re.compile(r'^check\("(?s:.*)\Z', re.MULTILINE)


class BuildError(Exception):
    """Something that an author has to mend; the message says what."""


def tags(cell):
    """The tags of a cell, a list of strings."""
    return cell.metadata.get("tags", [])


def is_compared(cell):
    """Whether nbval compares the output of a cell."""
    return cell.cell_type == "code" and COMPARED in tags(cell)


def read_source(path):
    """Reads a py:percent file with jupytext: a list of cells, without outputs."""
    return [cell for cell in _read_all(path) if CLAIM not in tags(cell)]


def _read_all(path):
    cells = jupytext.reads(path.read_text("utf-8"), fmt="py:percent").cells
    if not cells:
        raise BuildError(f"{path}: expected cells that begin with `# %%`, found none")
    return cells


def read_claims(path, solved=True):
    """What is asserted after which code cell: dict, the cell's number to the code.

    Code cells are counted from 0 in the solution, or else in the lesson.
    """
    found, number = {}, -1
    for cell in _read_all(path) if solved else as_lesson(_read_all(path)):
        if CLAIM in tags(cell):
            found[number] = f"{found.get(number, '')}\n{cell.source}".strip()
        else:
            number += cell.cell_type == "code"
    return found


def solution_runs(cells):
    """The solution cells of each exercise: a list of lists of neighbours."""
    runs = []
    for before, cell in zip([None, *cells], cells, strict=False):
        if SOLUTION in tags(cell):
            if before is None or SOLUTION not in tags(before):
                runs.append([])
            runs[-1].append(cell)
    return runs


def as_lesson(cells):
    """The cells as a learner gets them: a placeholder for each run of solutions.

    Nothing is compared in a lesson, so the tags for nbval are dropped.
    """
    placeholders = {id(run[0]): _placeholder(run) for run in solution_runs(cells)}
    kept = [
        placeholders.get(id(cell)) or _without_nbval(cell)
        for cell in cells
        if id(cell) in placeholders or SOLUTION not in tags(cell)
    ]
    return kept


def _placeholder(run):
    call = CHECK_CALL.search(run[-1].source)
    return nbformat.v4.new_code_cell(
        f"{PLACEHOLDER}\n\n{call[0]}" if call else PLACEHOLDER
    )


def _without_nbval(cell):
    kept = nbformat.from_dict(cell)
    left = [tag for tag in tags(cell) if tag not in (COMPARED, ANY_TRACK)]
    kept.metadata = {"tags": left} if left else {}
    return kept


def read_quiz(text):
    """Reads `? question`, `+ right | why`, `- wrong | why not`, one to a line.

    A line that begins with two spaces goes on with the one before. Gives a list of
    pairs: a question, and its list of (right, choice, reason).
    """
    questions = []
    joined = re.sub(r"\n {2,}", " ", text)
    for line in filter(None, map(str.strip, joined.splitlines())):
        mark, _, rest = line.partition(" ")
        choice, bar, reason = rest.partition(" | ")
        if mark == "?":
            questions.append((rest, []))
        elif mark in ("+", "-") and bar and questions:
            questions[-1][1].append((mark == "+", choice, reason))
        elif not line.startswith("#"):
            raise BuildError(
                "Expected in a quiz: `? question`, `+ right | why`, `- wrong | why "
                f"not`. Received: {line}"
            )
    return questions


def quiz(text):
    """A quiz as Markdown whose choices open: no JavaScript, no kernel."""
    parts = ["## Quiz\n\nOpen the answer that you would give."]
    for number, (question, choices) in enumerate(read_quiz(text), start=1):
        parts += ["<br>"] * (number > 1)
        parts.append(f"**{number}. {question}**")
        parts += [
            f"<details><summary>{as_html(choice)}</summary>"
            f"{_verdict(right)} {as_html(reason)}</div></details>"
            for right, choice, reason in choices
        ]
    return "\n\n".join(parts)


def _verdict(right):
    colour, word = ("#009E73", "Right.") if right else ("#D55E00", "No.")
    style = f"border-left: 6px solid {colour}; padding-left: 8px"
    return f'<div style="{style}"><b>{word}</b>'


def fold(text):
    """Markdown in which what is to be observed is closed until somebody opens it."""
    parts = map(str.strip, filter(None, SECTION.split(text)))
    return "\n\n".join(_folded(x) if x.startswith(OBSERVE) else x for x in parts)


def _folded(part):
    body = part.removeprefix(OBSERVE).strip()
    return f"<details><summary><b>Observe</b></summary>\n\n{body}\n\n</details>"


def as_html(text):
    """Plain text with `code` in it as HTML."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def write_text(path, text):
    """Writes a file completely or not at all, by renaming a partial one."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, "utf-8", newline="\n")
    partial.replace(path)
