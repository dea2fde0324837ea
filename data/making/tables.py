"""Tables and JSON files that are there complete or not at all."""

import csv
import io
import json

from tlcourse._util import atomic


def read_rows(path):
    """The rows of a CSV file as dicts; none if there is no file."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows, fields):
    """Writes dicts as a CSV file with these columns."""
    text = io.StringIO()
    out = csv.DictWriter(text, fields, lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    with atomic.write_file(path) as file:
        file.write(text.getvalue().encode())


def write_json(path, content):
    """Writes a JSON file."""
    with atomic.write_file(path) as file:
        file.write(f"{json.dumps(content, indent=1)}\n".encode())
