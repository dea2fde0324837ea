"""Names of classes: cleaned, and refused with a sentence."""

from tlcourse.data.folder_report import printable

LONGEST = 40


def clean(name):
    """A class name in one line, without characters that nobody can see."""
    return printable(" ".join(str(name).split()))


def problem_of(name, taken):
    """Why a class cannot have this name, in a sentence; empty if it can."""
    cleaned = clean(name)
    if not cleaned:
        return "Type a name for the class first."
    if cleaned.casefold() in map(str.casefold, taken):
        return f"{cleaned} is taken. Choose another name."
    if len(cleaned) > LONGEST:
        return f"That name has {len(cleaned)} characters. {LONGEST} are enough."
    return ""
