"""What a learner tries that must be refused, or must harm nobody else."""

import secrets
import time

HEAD_START = 60  # seconds of the lessons before memory is taken without end
EXHAUST = """
blocks = []
while True:
    blocks.append(b"x" * 50_000_000)
"""
WRITE = """
import os
with open(os.path.expanduser("~/private.txt"), "w") as file:
    file.write({secret!r})
os.chmod(file.name, 0o644)
print(file.name)
"""
REFUSALS = ("PermissionError", "OSError", "FileNotFoundError")
# What the second learner tries; each prints what came of it.
ATTEMPTS = {
    "read a file of another learner": (
        "import pathlib\nprint(pathlib.Path({path!r}).read_text())"
    ),
    "write into the course's data": (
        "import os\nopen(os.environ['TLCOURSE_DATA'] + '/new', 'w').close()\n"
        "print('done')"
    ),
    "change the course's package": (
        "import tlcourse\nopen(tlcourse.__file__, 'a').close()\nprint('done')"
    ),
}


def trespass(owner, other):
    """Lets a learner try what must be refused.

    Args:
        owner: `Learner` with a running server; gets a file that all may read.
        other: `Learner` with a running server.

    Returns:
        dict, what was tried to what came of it, and whether it was refused.
    """
    secret = secrets.token_hex(8)
    kernel = owner.start_kernel("private.ipynb")
    path = kernel.run(WRITE.format(secret=secret)).text.strip()
    kernel.close()
    kernel, tried = other.start_kernel("curious.ipynb"), {}
    for what, code in ATTEMPTS.items():
        outcome = kernel.run(code.format(path=path))
        refused = outcome.error.startswith(REFUSALS) and not outcome.text
        tried[what] = outcome.error or outcome.text.strip(), refused
    kernel.close()
    answer = other.session.get(f"{owner.home}/api/contents/private.txt", timeout=60)
    tried["ask another learner's server"] = (
        f"status {answer.status_code}",
        answer.status_code in (401, 403, 404) and secret not in answer.text,
    )
    return tried


def exhaust(learner):
    """Takes memory until the kernel ends, then asks whether its learner can go on.

    Args:
        learner: `Learner` with a running server.

    Returns:
        dict, what was looked at to what was seen, and whether that is right.
    """
    time.sleep(HEAD_START)
    kernel = learner.start_kernel("hungry.ipynb")
    outcome = kernel.run(EXHAUST)
    ended = "the kernel died" if outcome.died else outcome.error
    right = outcome.died or outcome.error.startswith("MemoryError")
    waited = learner.start_server()
    text = learner.start_kernel("again.ipynb").run("print('alive')").text
    return {
        "memory without end": (ended, right),
        "the same learner goes on": (f"after {waited:.0f} s", "alive" in text),
    }
