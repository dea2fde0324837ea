"""The seats of a class: names and first passwords that nobody guesses, and slips.

    python seats.py make 20 --slips slips.html --url https://HUB
    python seats.py list
    python seats.py close

It writes into the hub's own database, so it runs where that lies, as its owner and
with the hub's Python; `--database` says where. Nobody can sign up at the hub, so only
who has a slip comes in. `close` takes away the seats in which nobody has sat yet.
"""

import argparse
import html
import os
import pathlib
import re
import secrets
import sys

import bcrypt
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo

PLACES = ("/opt/tljh/state/jupyterhub.sqlite", "/srv/jupyterhub/jupyterhub.sqlite")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none looks like another on paper
MOST = 500
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Seats</title>
<style>
body {{ font: 14pt sans-serif; margin: 1cm }}
main {{ display: grid; grid-template-columns: 1fr 1fr }}
section {{ border: 1px dashed #777; padding: .6cm; break-inside: avoid }}
dt {{ float: left; clear: left; width: 6em }}
dd {{ font-family: monospace; margin: 0 0 .2cm 6em }}
p {{ font-size: 11pt; margin: .3cm 0 0 }}
</style>
<main>
{slips}
</main>
</html>
"""
SLIP = """<section>
<dl><dt>Address<dd>{url}<dt>Name<dd>{name}<dt>Password<dd>{password}</dl>
<p>This seat is yours alone: whoever has the slip can sit in it.</p>
</section>"""


class SeatError(Exception):
    """What was asked for cannot be done; the text says why."""


def open_database(path=None):
    """Opens the hub's database; None looks in the two usual places."""
    tried = [path] if path else PLACES
    found = next((each for each in tried if os.path.isfile(each)), None)
    if not found:
        raise SeatError(
            f"Expected the hub's database. Received: no file {' or '.join(tried)}. "
            "Start the hub once, or say with --database where its jupyterhub.sqlite is."
        )
    db = orm.new_session_factory(f"sqlite:///{os.path.abspath(found)}")()
    UserInfo.__table__.create(db.bind, checkfirst=True)
    return db


def make(db, names, slips, url):
    """Makes a seat for each name; its first password stands on the slips alone."""
    taken = [name for name in names if UserInfo.find(db, name)]
    wrong = [name for name in names if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name)]
    if taken or wrong or len(set(names)) < len(names):
        raise SeatError(
            "Expected new names, each once, of small letters, digits and `-`. "
            f"Received: {', '.join(taken + wrong) or 'a name twice'}. "
            "`close NAME` takes a seat away."
        )
    passwords = {name: _draw(3) for name in names}
    write_slips(slips, passwords, url)
    for name, password in passwords.items():
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
        db.add(UserInfo(username=name, password=hashed, is_authorized=True))
    db.commit()


def draw_names(db, count, prefix="learner"):
    """Draws names of new seats that nobody can guess from one another."""
    if not 1 <= count <= MOST:
        raise SeatError(f"Expected 1 to {MOST} seats. Received: {count}")
    names = set()
    while len(names) < count:
        name = f"{prefix}-{_draw(1)}"
        if not UserInfo.find(db, name):
            names.add(name)
    return sorted(names)


def list_seats(db):
    """Lists the seats: dict, name to when somebody was last there, or None."""
    names = sorted(seat.username for seat in UserInfo.all_users(db))
    users = {name: orm.User.find(db, name) for name in names}
    return {name: user and user.last_activity for name, user in users.items()}


def close(db, names=()):
    """Takes seats away, or all in which nobody has sat; returns their names."""
    seats = list_seats(db)
    unknown = [name for name in names if name not in seats]
    if unknown:
        raise SeatError(
            f"Expected names of seats. Received: {', '.join(unknown)}. `list` shows "
            "them."
        )
    gone = list(names) or [name for name, last in seats.items() if last is None]
    for name in gone:
        db.delete(UserInfo.find(db, name))
    db.commit()
    return gone


def write_slips(path, passwords, url):
    """Writes a page to print and to cut; only its owner may read it."""
    slips = [
        SLIP.format(url=html.escape(url), name=name, password=password)
        for name, password in passwords.items()
    ]
    _write(path, PAGE.format(slips="\n".join(slips)))


def _write(path, text):
    partial = pathlib.Path(f"{path}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text, "utf-8")
    partial.replace(path)


def _draw(groups):
    """Draws four letters a group: 20 bits each."""
    drawn = ["".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups)]
    return "-".join(drawn)


def _print_seats(seats):
    for name, last in seats.items():
        print(f"{name:24} {f'{last:%Y-%m-%d %H:%M}' if last else 'never signed in'}")


def _parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", help="the hub's jupyterhub.sqlite")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("make", help="seats, and slips to print")
    new.add_argument("seats", help="how many, or a name such as teacher", nargs="+")
    new.add_argument("--slips", required=True, help="the page to write")
    new.add_argument("--url", default="https://", help="of the hub, for the slips")
    commands.add_parser("list", help="seats, and who has sat in them")
    gone = commands.add_parser("close", help="seats nobody has sat in, or these")
    gone.add_argument("names", nargs="*")
    return parser.parse_args(arguments)


def _make(db, options):
    if os.path.lexists(options.slips):
        raise SeatError(
            f"Expected a new file for the slips. Received: {options.slips}, which is "
            "there. Other seats' passwords stand in it: choose another name."
        )
    counted = len(options.seats) == 1 and options.seats[0].isdigit()
    names = draw_names(db, int(options.seats[0])) if counted else options.seats
    make(db, names, options.slips, options.url)
    print(f"Seats made: {len(names)}. Print {options.slips}, then delete it.")


def main(arguments=None):
    """The command line; returns 0 if it was done."""
    options = _parse(arguments)
    try:
        db = open_database(options.database)
        if options.command == "make":
            _make(db, options)
        elif options.command == "list":
            _print_seats(list_seats(db))
        else:
            print(f"Closed: {', '.join(close(db, options.names)) or 'none'}")
    except (SeatError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
