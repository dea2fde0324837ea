"""A class on one server: configuration, links, and the load run without its hub."""

import contextlib
import importlib.util
import io
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import urllib.parse

import pytest
import yaml
from traitlets.config.loader import PyFileConfigLoader

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
sys.path.insert(0, str(DEPLOY))

import control_groups  # noqa: E402  (the folder has to be on the path first)
import hub_kernel  # noqa: E402
import link  # noqa: E402
import load  # noqa: E402
import load_report  # noqa: E402
import local_hub  # noqa: E402
import probes  # noqa: E402
import start_server  # noqa: E402

# What comes before the course's file in The Littlest JupyterHub.
LITTLEST = """
c.Spawner.mem_limit = None
c.Spawner.cpu_limit = None
c.JupyterHub.services = [
    {"name": "cull-idle", "admin": True, "command": ["python3", "--timeout=600"]},
]
load_subconfig("COURSE")
"""


def load_config(path):
    """A JupyterHub configuration as JupyterHub reads it."""
    return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()


def flags(arguments):
    """Options `--name=value` as a dict."""
    return dict(each.lstrip("-").split("=") for each in arguments if "=" in each)


@pytest.fixture
def config():
    return load_config(DEPLOY / "jupyterhub_config.py")


@pytest.fixture
def values():
    return yaml.safe_load((DEPLOY / "z2jh_values.yaml").read_text())


def test_a_learner_has_a_memory_that_fits_a_lesson_and_a_limit_above(config):
    guarantee, limit = config.Spawner.mem_guarantee, config.Spawner.mem_limit
    assert guarantee[-1] == limit[-1] == "G"  # 2**30 bytes, as JupyterHub counts
    assert 1500e6 <= float(guarantee[:-1]) * 2**30 < float(limit[:-1]) * 2**30
    assert config.Spawner.cpu_limit == 2.0
    settings = config.Spawner.environment.items()
    assert {value for name, value in settings if name.endswith("THREADS")} == {"2"}


def test_the_littlest_hub_gets_the_limits_and_one_culler(tmp_path):
    text = LITTLEST.replace("COURSE", str(DEPLOY / "jupyterhub_config.py"))
    (tmp_path / "jupyterhub_config.py").write_text(text)
    config = load_config(tmp_path / "jupyterhub_config.py")
    assert config.Spawner.mem_limit == "2G"
    (culler,) = config.JupyterHub.services
    assert flags(culler["command"])["timeout"] == "3600"
    (role,) = config.JupyterHub.load_roles
    assert role["services"] == [culler["name"]]


def test_a_link_to_the_configuration_still_finds_the_course(tmp_path):
    (tmp_path / "tlcourse.py").symlink_to(DEPLOY / "jupyterhub_config.py")
    spawner = load_config(tmp_path / "tlcourse.py").Spawner
    assert pathlib.Path(spawner.cmd[1]) == DEPLOY / "start_server.py"
    assert pathlib.Path(spawner.environment["TLCOURSE_DATA"]) == ROOT / "data"
    before, name = spawner.default_url.rsplit("/", 1)
    assert before == f"/lab/tree/{start_server.FOLDER}"
    assert (ROOT / "notebooks" / name).is_file()


def test_photographs_beside_the_course_are_shared(tmp_path):
    copy = tmp_path / "course" / "deploy" / "jupyterhub_config.py"
    copy.parent.mkdir(parents=True)
    copy.write_text((DEPLOY / copy.name).read_text())
    assert "KERAS_HOME" not in load_config(copy).Spawner.environment
    (tmp_path / "flowers").mkdir()
    shared = load_config(copy).Spawner.environment
    assert shared["KERAS_HOME"] == str(tmp_path / "flowers" / "keras")
    assert shared["TFDS_DATA_DIR"] == str(tmp_path / "flowers" / "tfds")


def test_the_local_hub_has_the_same_limits_and_seats(monkeypatch, config):
    settings = {"ports": [1, 2, 3], "proxy": "p"}
    monkeypatch.setenv("TLCOURSE_HUB", json.dumps(settings))
    local = load_config(DEPLOY / "local_config.py")
    assert local.Spawner.mem_limit == "2G"
    assert local.NativeAuthenticator == config.NativeAuthenticator
    assert "127.0.0.1" in local.JupyterHub.bind_url
    module = local.JupyterHub.spawner_class.split(".")[0]
    assert (DEPLOY / f"{module}.py").is_file()


def test_the_cluster_has_the_limits_of_one_machine(values, config):
    learner, spawner = values["singleuser"], config.Spawner
    limits = {"guarantee": spawner.mem_guarantee, "limit": spawner.mem_limit}
    assert learner["memory"] == limits
    limits = {"guarantee": spawner.cpu_guarantee, "limit": spawner.cpu_limit}
    assert learner["cpu"] == limits
    assert learner["defaultUrl"] == spawner.default_url
    shared = {"KERAS_HOME", "TFDS_DATA_DIR"}
    assert set(learner["extraEnv"]) == set(spawner.environment) - shared
    hub = values["hub"]["config"]
    names = "JupyterHub.authenticator_class", "Authenticator.admin_users"
    for name in (
        *names,
        *(f"NativeAuthenticator.{x}" for x in config.NativeAuthenticator),
    ):
        group, key = name.split(".")
        here, there = config[group][key], hub[group][key]
        assert here == (set(there) if isinstance(here, set) else there), name
    culling = learner["extraFiles"]["kernels"]["data"]["MappingKernelManager"]
    of_machine = flags(spawner.args)
    for name, value in culling.items():
        assert of_machine[f"MappingKernelManager.{name}"] == str(value).capitalize()
    culler = flags(config.JupyterHub.services[0]["command"])
    assert int(culler["timeout"]) == values["cull"]["timeout"]
    assert int(culler["cull-every"]) == values["cull"]["every"]


def test_the_image_has_the_course_where_the_cluster_looks(values):
    image = (DEPLOY / "Dockerfile").read_text()
    place = re.search(r"^COPY \. (\S+)$", image, re.MULTILINE).group(1)
    command = values["singleuser"]["cmd"][1]
    assert (ROOT / pathlib.Path(command).relative_to(place)).is_file()
    assert values["singleuser"]["extraEnv"]["TLCOURSE_DATA"] == f"{place}/data"
    assert image.rstrip().endswith("USER ${NB_UID}")


def test_a_link_says_what_nbgitpuller_reads():
    made = link.make("https://hub.org/", "https://git.org/a/b+c", "one/two", "05")
    address, query = made.split("?")
    assert address == "https://hub.org/hub/user-redirect/git-pull"
    assert dict(urllib.parse.parse_qsl(query, strict_parsing=True)) == {
        "repo": "https://git.org/a/b+c",
        "branch": "one/two",
        "urlpath": "lab/tree/course/notebooks/05_freeze_the_base.ipynb",
        "targetPath": "course",
    }
    assert not re.search(r"[ +/]", query)


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("hub", ["hub.org", "ftp://hub.org", "https://hub.org/hub/login?next=x"]),
        ("repository", ["git@git.org:a/b.git", "https://g.org/a b"]),
        ("repository", ["https://me:hunter2@g.org/a"]),
        ("branch", ["-f", "a..b", ""]),
        ("lesson", ["5", "../05"]),
    ],
)
def test_a_link_is_not_made_of_what_cannot_be_right(name, wrong):
    right = {"hub": "https://hub.org", "repository": "https://git.org/a"}
    for each in wrong:
        with pytest.raises(ValueError, match="Received") as caught:
            link.make(**(right | {name: each}))
        assert "hunter2" not in str(caught.value)


def test_the_link_command_prints_a_link_or_says_what_is_wrong(capsys):
    assert link.main(["https://hub.org", "https://git.org/a", "--lesson", "07"]) == 0
    assert "07_train" in capsys.readouterr().out
    assert link.main(["hub", "https://git.org/a"]) == 1
    shown = capsys.readouterr()
    assert not shown.out and "Received: 'hub'" in shown.err


def test_lessons_are_copied_once_and_never_written_over(tmp_path):
    copied, there = start_server.copy_lessons(tmp_path / "home", solutions=False)
    assert copied == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert not there
    mine = tmp_path / "home" / copied[0]
    mine.write_text("mine")
    (tmp_path / "home" / copied[1]).unlink()
    again, there = start_server.copy_lessons(tmp_path / "home", solutions=False)
    assert (again, len(there)) == ([copied[1]], len(copied) - 1)
    assert mine.read_text() == "mine" and mine.stat().st_mode & stat.S_IWUSR
    assert not list((tmp_path / "home").glob("*.partial"))
    # In a notebook, the folder is on the path: it must not hide a package.
    found = importlib.util.find_spec(start_server.FOLDER)
    assert found is None or found.origin is None  # a folder of that name hides none


@pytest.mark.parametrize("home_is_a_file", [False, True])
def test_the_server_starts_even_when_copying_fails(tmp_path, home_is_a_file):
    server, home = tmp_path / "jupyterhub-singleuser", tmp_path / "home"
    server.write_text('#!/bin/sh\necho "started $@ $JUPYTER_RUNTIME_DIR"\n')
    server.chmod(0o755)
    home.write_text("") if home_is_a_file else home.mkdir()
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        [sys.executable, DEPLOY / "start_server.py", "--port=1"],
        env=os.environ | {"HOME": str(home), "PATH": path},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == f"started --port=1 {home}/.run\n"
    assert ("could not be copied" in shown.stderr) == home_is_a_file
    copied = home / start_server.FOLDER / "05_freeze_the_base.ipynb"
    assert copied.exists() != home_is_a_file


@pytest.mark.parametrize(
    "given, limits, events",
    [
        (  # version 1 of control groups
            ("memory", "cpu"),
            {"memory.limit_in_bytes": str(2**31), "cpu.cfs_quota_us": "150000"},
            {"memory.stat": "cache 7\nrss 5\n", "memory.oom_control": "oom_kill 3\n"},
        ),
        (  # version 2
            ("cgroup.controllers",),
            {"memory.max": str(2**31), "cpu.max": "150000 100000"},
            {"memory.stat": "anon 5\nfile 9\n", "memory.events": "oom_kill 3\n"},
        ),
    ],
)
def test_control_groups_get_the_limits_and_say_what_happened(
    tmp_path, given, limits, events
):
    for name in given:
        (tmp_path / name).touch() if "." in name else (tmp_path / name).mkdir()
    ann = control_groups.LearnerGroup("ann", tmp_path)
    ann.limit(2**31, 1.5)
    for name, text in limits.items():
        (path,) = tmp_path.rglob(f"tlcourse-ann/{name}")
        assert path.read_text() == text, name
    ann.enter()
    here = {path.read_text() for path in tmp_path.rglob("cgroup.procs")}
    assert here == {str(os.getpid())}
    (path,) = tmp_path.rglob("tlcourse-ann/memory.[lm]*")
    for name, text in events.items():
        path.with_name(name).write_text(text)
    assert (ann.memory(), ann.kills(), ann.processes()) == (5, 3, [os.getpid()])


def test_a_group_that_is_not_there_is_empty_and_can_be_removed(tmp_path):
    (tmp_path / "cgroup.controllers").touch()
    ann = control_groups.LearnerGroup("ann", tmp_path)
    ann.remove()
    assert (ann.memory(), ann.kills(), ann.processes()) == (0, 0, [])
    with pytest.raises(OSError, match="Received: .*missing"):
        control_groups.LearnerGroup("ann", tmp_path / "missing")


def reply(request, kind, **content):
    parent = {"msg_id": request["header"]["msg_id"]}
    header = {"msg_type": kind}
    return {"header": header, "parent_header": parent, "content": content}


def test_of_a_cell_output_errors_and_death_are_noted_but_not_what_others_say():
    request, outcome = hub_kernel.message("print(1)"), hub_kernel.Outcome()
    other = hub_kernel.message("2")
    for asked, kind, content, heard in (
        (other, "status", {"execution_state": "idle"}, set()),
        (other, "error", {"ename": "ValueError", "evalue": "2"}, set()),
        (request, "status", {"execution_state": "busy"}, set()),
        (request, "stream", {"name": "stdout", "text": "1\n"}, set()),
        (request, "execute_reply", {"status": "ok"}, {"reply"}),
        (request, "status", {"execution_state": "idle"}, {"idle"}),
    ):
        answer = reply(asked, kind, **content)
        assert hub_kernel.note(answer, request, outcome) == heard
    assert outcome == hub_kernel.Outcome("1\n")
    error = reply(request, "error", ename="ZeroDivisionError", evalue="by zero")
    hub_kernel.note(error, request, outcome)
    assert outcome.error == "ZeroDivisionError: by zero"
    death = reply(request, "status", execution_state="restarting")
    hub_kernel.note(death | {"parent_header": {}}, request, outcome)
    assert outcome.died


class Here:
    """A learner and their kernel without a hub: all is open to them, or nothing."""

    home, text = "http://hub/user/ann", ""

    def __init__(self, refuses):
        self.refuses, self.session = refuses, self
        self.status_code = 403 if refuses else 200

    def answer(self, *_, **__):
        return self

    start_kernel = get = close = answer

    def run(self, code):
        if self.refuses:
            return hub_kernel.Outcome(error="PermissionError: [Errno 13]")
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            exec(code, {})
        return hub_kernel.Outcome(shown.getvalue())


@pytest.mark.parametrize("refuses", [True, False])
def test_the_load_run_tells_refused_from_allowed(refuses, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TLCOURSE_DATA", str(tmp_path))
    tried = probes.trespass(Here(False), Here(refuses))
    assert len(tried) == len(probes.ATTEMPTS) + 1
    assert {right for _, right in tried.values()} == {refuses}


def test_lessons_are_found_by_number_and_their_cells_are_the_code():
    assert load.path_of("05") == f"{start_server.FOLDER}/05_freeze_the_base.ipynb"
    for wrong in ("5", "99", "*", "../05"):
        with pytest.raises(ValueError, match="Received"):
            load.path_of(wrong)
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
        {"cell_type": "code", "source": " "},
    ]
    assert load.code_cells({"cells": cells}) == ["a = 1\na"]


def report(errors=(), kills=0, right=True):
    """A report of one learner and two lessons."""
    runs = [
        load_report.LessonRun("lessons/05_a.ipynb", 9, [], 90.0, 800_000_000, 30.0),
        load_report.LessonRun("lessons/07_b.ipynb", 8, list(errors), 60.0, 0, 30.0),
    ]
    watch = load_report.MemoryWatch(["ann", "hungry"])
    watch.peaks["ann"], watch.kills["ann"], watch.kills["hungry"] = 950e6, kills, 1
    looked_at = {"read a file of another learner": ("PermissionError", right)}
    return load_report.Report({"ann": runs}, 12.0, watch, looked_at)


def test_the_table_has_a_row_for_each_learner_but_a_hub_elsewhere_is_not_watched():
    seen = report()
    table = [line for line in str(seen).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    cells = [cell.strip() for cell in table[2].strip("|").split("|")]
    assert cells == ["ann", "1.5", "1.0", "1.0", "17", "0", "800", "950", "0"]
    seen.watch = load_report.MemoryWatch([])
    (*_, last) = [line for line in str(seen).splitlines() if line.startswith("|")]
    assert last.endswith("| 800 | - | - |") and "cores" not in str(seen)


def test_only_errors_ends_and_what_was_not_refused_spoil_a_run():
    assert report().is_well  # that the hungry learner's kernel was ended is right
    for bad in (report(["cell 3: x"]), report(kills=1), report(right=False)):
        assert not bad.is_well
        assert "Not all went well." in str(bad)
    assert "ann lessons/07_b.ipynb cell 3: x" in str(report(["cell 3: x"]))


def test_a_hub_is_not_started_over_accounts_that_exist(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(OSError, match=r"Received: \['root'\]"):
        local_hub.check(["root"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OSError, match="with sudo"):
        local_hub.check(["ann"])


@pytest.mark.fault(20)
def test_teachers_set_up_https_before_seats_and_no_guessable_names():
    text = (DEPLOY / "README.md").read_text()
    machine, cluster = text.split("## A cluster")
    assert 0 < machine.index("https.enabled true") < machine.index("seats make 20")
    assert 0 < cluster.index("Set up HTTPS") < cluster.index("make 20")
    assert "users.allowed" not in text and "sign-in sets" not in text
    assert "chmod -R go= /srv/tlcourse/.git" in machine


def test_the_texts_for_teachers_name_what_is_there():
    text = (DEPLOY / "README.md").read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DEPLOY / target).exists(), target
    for name in re.findall(r"deploy/([\w.]+\.\w+)", text):
        assert (DEPLOY / name).is_file(), name
    for page in ("README.md", "slides/instructors_guide.md"):
        assert "deploy/README.md" in (ROOT / page).read_text()
