"""A learner at a hub, as their browser does it: sign in, start, open, run."""

import time
import urllib.parse

import requests
from hub_kernel import HubError, Kernel

WAIT = 300  # seconds, for a page or a server


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
