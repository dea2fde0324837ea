"""A learner at a hub, as their browser does it: sign in, start, open, run."""

import dataclasses
import json
import time
import urllib.parse
import uuid

import requests
import websocket

WAIT = 300  # seconds, for a page or a server


class HubError(Exception):
    """The hub did not do what a learner needs."""


class Learner:
    """Somebody with an account at a hub.

    Args:
        url: String, address of the hub, such as `"http://127.0.0.1:8000"`.
        name: String, the account.
        password: String.
    """

    def __init__(self, url, name, password):
        self.url, self.name, self.password = url.rstrip("/"), name, password
        self.home = f"{self.url}/user/{urllib.parse.quote(name)}"
        self.session = requests.Session()

    def sign_in(self):
        """Fills the form in. A hub says nothing but "invalid" if it does not fit.

        Raises:
            HubError: If the hub does not let the learner in.
        """
        page = f"{self.url}/hub/login"
        self.session.get(page, timeout=WAIT).raise_for_status()
        form = {"username": self.name, "password": self.password}
        form["_xsrf"] = self._token("/hub/")
        answer = self.session.post(
            page, form, params={"next": "/hub/home"}, timeout=WAIT
        )
        if not answer.ok or "/hub/home" not in answer.url:
            raise HubError(
                f"Expected the hub to let {self.name} in. Received: "
                f"{answer.status_code} at {answer.url}. Is the account allowed, and "
                "the password right?"
            )

    def start_server(self):
        """Starts the learner's server, and waits until it shows JupyterLab.

        Returns:
            Float, seconds until then.

        Raises:
            HubError: If it does not within some minutes.
        """
        start = time.monotonic()
        spawn = f"{self.url}/hub/spawn/{urllib.parse.quote(self.name)}"
        self.session.get(spawn, timeout=WAIT)
        while time.monotonic() - start < WAIT:
            answer = self.session.get(f"{self.home}/lab", timeout=WAIT)
            if answer.ok and answer.url.startswith(f"{self.home}/lab"):
                return time.monotonic() - start
            time.sleep(1)
        raise HubError(
            f"Expected the server of {self.name} within {WAIT} s. Received: "
            f"{answer.status_code} at {answer.url}. The hub's log says why."
        )

    def ask(self, method, path, /, **body):
        """Asks the learner's server.

        Args:
            method: String such as `"GET"`.
            path: String below `/user/NAME/api/`.
            body: What to send as JSON.

        Returns:
            What it answers, or None if that is empty.

        Raises:
            HubError: If the server refuses.
        """
        answer = self.session.request(
            method,
            f"{self.home}/api/{urllib.parse.quote(path)}",
            json=body or None,
            headers={"X-XSRFToken": self._token(f"/user/{self.name}/")},
            timeout=WAIT,
        )
        if not answer.ok:
            raise HubError(
                f"Expected an answer to {method} {path}. Received: "
                f"{answer.status_code} {answer.text[:200]}"
            )
        return answer.json() if answer.content else None

    def open(self, path):
        """Opens a notebook, which starts a kernel beside it.

        Args:
            path: String, from the learner's home.

        Returns:
            `Kernel`, and the notebook as a dict.
        """
        content = self.ask("GET", f"contents/{path}")["content"]
        return self.start_kernel(path), content

    def start_kernel(self, path):
        """Starts a kernel in the folder of a file, which need not exist.

        Args:
            path: String, from the learner's home.

        Returns:
            `Kernel`.
        """
        kernel = {"name": "python3"}
        session = self.ask(
            "POST",
            "sessions",
            path=path,
            name=path,
            type="notebook",
            kernel=kernel,
        )
        return Kernel(self, session["kernel"]["id"])

    def _token(self, path):
        """The newest of the tokens that hub and server keep for their pages."""
        found = [each for each in self.session.cookies if each.name == "_xsrf"]
        below = [each.value for each in found if each.path.rstrip("/") in path]
        return below[-1] if below else ""

    def cookie_header(self, address):
        """The cookies that a browser sends to an address.

        Args:
            address: String.

        Returns:
            String.
        """
        request = requests.Request("GET", address)
        return self.session.prepare_request(request).headers.get("Cookie", "")


@dataclasses.dataclass
class Outcome:
    """What came of a cell.

    Args:
        text: String, what it printed.
        error: String, name and message of the exception, or empty.
        died: Boolean, whether the kernel ended.
    """

    text: str = ""
    error: str = ""
    died: bool = False


class Kernel:
    """A running kernel.

    Args:
        learner: `Learner`.
        identity: String, its id.
    """

    def __init__(self, learner, identity):
        self.learner, self.identity = learner, identity
        address = f"{learner.home}/api/kernels/{identity}/channels"
        self.socket = websocket.create_connection(
            "ws" + address.removeprefix("http"),
            cookie=learner.cookie_header(address),
            origin=learner.url,
            timeout=WAIT,
        )

    def run(self, code, seconds=1200):
        """Runs a cell and waits for its end.

        Args:
            code: String.
            seconds: Number, for how long the kernel may say nothing.

        Returns:
            `Outcome`.
        """
        request, outcome = message(code), Outcome()
        self.socket.settimeout(seconds)
        try:
            self.socket.send(json.dumps(request))
            self._follow(request, outcome)
        except websocket.WebSocketTimeoutException:
            outcome.error = f"TimeoutError: nothing came for {seconds} s"
        except (websocket.WebSocketException, OSError):  # its server is gone
            outcome.died = True
        return outcome

    def _follow(self, request, outcome):
        waiting = {"reply", "idle"}
        while waiting and not outcome.died:
            received = self.socket.recv()
            if isinstance(received, str) and received:  # widgets send bytes, too
                waiting -= note(json.loads(received), request, outcome)

    def close(self):
        """Shuts the kernel down, as File, Close and Shut Down does."""
        self.socket.close()
        self.learner.ask("DELETE", f"kernels/{self.identity}")


def message(code):
    """The request to run a cell.

    Args:
        code: String.

    Returns:
        dict of the Jupyter messaging protocol.

    Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html
    """
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


def note(received, request, outcome):
    """Notes what a message from the kernel means for a cell.

    Args:
        received: dict, the message.
        request: dict, the request that is waited for.
        outcome: `Outcome`, changed here.

    Returns:
        set of what need not be waited for any more: `"reply"`, `"idle"`.
    """
    kind, content = received["header"]["msg_type"], received["content"]
    state = content.get("execution_state") if kind == "status" else None
    if state in ("restarting", "autorestarting", "dead"):
        outcome.died = True
    parent = (received.get("parent_header") or {}).get("msg_id")
    if parent != request["header"]["msg_id"]:
        return set()
    if kind == "stream":
        outcome.text += content["text"]
    elif kind == "error":
        outcome.error = f"{content['ename']}: {content['evalue']}"
    return _done(kind, state)


def _done(kind, state):
    if kind == "execute_reply":
        return {"reply"}
    return {"idle"} if state == "idle" else set()
