"""A kernel behind a hub, spoken to as a browser does it."""

import dataclasses
import json
import uuid

import websocket

SESSION = uuid.uuid4().hex


class HubError(Exception):
    """The hub did not do what a learner needs."""


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

    Raises:
        HubError: If it cannot be reached.
    """

    def __init__(self, learner, identity):
        self.learner, self.identity = learner, identity
        address = f"{learner.home}/api/kernels/{identity}/channels?session_id={SESSION}"
        try:
            self.socket = websocket.create_connection(
                "ws" + address.removeprefix("http"),
                cookie=learner.cookie_header(address),
                origin=learner.url,
                timeout=60,
            )
        except websocket.WebSocketException as error:
            raise HubError(
                f"Expected to reach a kernel of {learner.name}. Received: {error}"
            ) from error

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
        "session": SESSION,
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
