"""Seats of a class at a hub: nobody guesses one, and nobody takes an empty one."""

import asyncio
import datetime
import os
import pathlib
import re
import stat
import sys

import pytest
from jupyterhub import orm
from nativeauthenticator import NativeAuthenticator
from traitlets.config.loader import PyFileConfigLoader

DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"
sys.path.insert(0, str(DEPLOY))
pytestmark = pytest.mark.fault(20)

import load  # noqa: E402  (the folder has to be on the path first)
import local_hub  # noqa: E402
import seats  # noqa: E402


@pytest.fixture
def path(tmp_path):
    """A database as a hub makes it when it starts."""
    found = tmp_path / "jupyterhub.sqlite"
    orm.new_session_factory(f"sqlite:///{found}")().close()
    return found


@pytest.fixture
def command(path, capsys):
    """Runs the command; returns its status, and what it said."""

    def run(*arguments):
        status = seats.main(["--database", str(path), *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture
def sign_in(path):
    """Signs in at a hub with the course's configuration: the name, or None."""
    loader = PyFileConfigLoader("jupyterhub_config.py", path=str(DEPLOY))
    db = orm.new_session_factory(f"sqlite:///{path}")()
    hub = NativeAuthenticator(parent=None, config=loader.load_config(), db=db)

    def try_it(name, password):
        form = {"username": name, "password": password}
        return asyncio.run(hub.authenticate(None, form))

    try_it.hub = hub
    return try_it


def test_who_has_a_slip_comes_in_and_nobody_else(command, sign_in, tmp_path):
    assert command("make", 3, "--slips", tmp_path / "a.html")[0] == 0
    found = local_hub.read_slips(tmp_path / "a.html")
    (name, password), (other, of_other), *_ = found.items()
    assert sign_in(name, password) == name and sign_in(other, of_other) == other
    wrong = (name, of_other), (name, ""), ("learner1", password), ("teacher", "")
    assert not any(sign_in(*seat) for seat in wrong)
    assert sign_in.hub.create_user("learner1", "a password of one's own") is None
    assert sign_in.hub.create_user("teacher", "a password of one's own") is None


def test_names_and_passwords_are_drawn(command, tmp_path):
    for slips in ("a.html", "b.html"):
        command("make", 6, "--slips", tmp_path / slips)
    one, two = (local_hub.read_slips(tmp_path / f"{n}.html") for n in "ab")
    assert len(one) == len(two) == 6 and not set(one) & set(two)
    assert len({*one.values(), *two.values()}) == 12
    drawn = [*one.values(), *two.values()]
    assert all(re.fullmatch(r"\w{4}-\w{4}-\w{4}", password) for password in drawn)
    assert len(seats.LETTERS) ** 12 > 2**58


def test_a_name_waits_after_five_wrong_passwords(command, sign_in, tmp_path):
    command("make", "ann", "bob", "--slips", tmp_path / "a.html")
    found = local_hub.read_slips(tmp_path / "a.html")
    for guess in range(5):
        assert sign_in("ann", str(guess)) is None
    assert sign_in("ann", found["ann"]) is None
    assert sign_in("bob", found["bob"]) == "bob"
    sign_in.hub.login_attempts["ann"]["time"] -= datetime.timedelta(seconds=601)
    assert sign_in("ann", found["ann"]) == "ann"


def test_empty_seats_are_listed_and_closed(command, sign_in, path, tmp_path):
    command("make", "ann", "bob", "eve", "--slips", tmp_path / "a.html")
    db = orm.new_session_factory(f"sqlite:///{path}")()
    db.add(orm.User(name="ann", last_activity=datetime.datetime(2026, 1, 2, 3, 4)))
    db.commit()
    lines = command("list")[1].splitlines()
    assert [line.split(None, 1) for line in lines] == [
        ["ann", "2026-01-02 03:04"],
        ["bob", "never signed in"],
        ["eve", "never signed in"],
    ]
    assert command("close") == (0, "Closed: bob, eve\n")
    found = local_hub.read_slips(tmp_path / "a.html")
    assert sign_in("ann", found["ann"]) and not sign_in("bob", found["bob"])
    assert command("close", "ann") == (0, "Closed: ann\n")
    assert not sign_in("ann", found["ann"])


def test_slips_are_read_by_their_owner_alone_and_never_written_over(command, tmp_path):
    slips = tmp_path / "a.html"
    assert command("make", 1, "--slips", slips, "--url", "https://h/?a&<b>")[0] == 0
    assert stat.S_IMODE(slips.stat().st_mode) == 0o600
    text = slips.read_text("utf-8")
    assert "https://h/?a&amp;&lt;b&gt;" in text
    status, said = command("make", 1, "--slips", slips)
    assert status == 1 and "choose another name" in said
    assert slips.read_text("utf-8") == text


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("make", "Ann"), "Received: Ann"),
        (("make", "ann", "ann"), "a name twice"),
        (("make", "ann b"), "Received: ann b"),
        (("make", 0), "Received: 0"),
        (("make", 501), "Received: 501"),
        (("close", "nobody"), "Received: nobody"),
    ],
)
def test_what_cannot_be_done_is_said(command, tmp_path, arguments, said):
    slips = ["--slips", tmp_path / "a.html"] if arguments[0] == "make" else []
    status, text = command(*arguments, *slips)
    assert status == 1 and said in text
    assert not os.listdir(tmp_path) or os.listdir(tmp_path) == ["jupyterhub.sqlite"]
    assert command("list") == (0, "")


def test_no_seat_is_made_where_the_slips_cannot_be_written(command, tmp_path):
    status, said = command("make", 2, "--slips", tmp_path / "nowhere" / "a.html")
    assert status == 1 and "nowhere" in said
    assert command("list") == (0, "")


def test_a_database_that_is_not_there_is_not_made(tmp_path, capsys):
    assert seats.main(["--database", str(tmp_path / "x"), "list"]) == 1
    assert "Start the hub once" in capsys.readouterr().err
    assert not os.listdir(tmp_path)


def test_a_load_run_elsewhere_needs_seats(capsys, tmp_path):
    assert load.main(["--url", "https://h", "--learners", "2"]) == 1
    assert "`seats.py make 2`" in capsys.readouterr().err
    (tmp_path / "a.html").write_text("nothing")
    slips = str(tmp_path / "a.html")
    assert load.main(["--url", "https://h", "--slips", slips]) == 1
    assert "without any" in capsys.readouterr().err
