"""JupyterLab in a real browser, for pictures and for tests.

Needs Chromium on the PATH (Debian: `apt-get install chromium`).
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

# JupyterLab draws only the cells near what is seen, and asks about news. Not here.
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
}
CHROMIUM = [
    "--no-sandbox",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",  # whoever asks for the camera gets it
]
# Every code cell has the number that it got when it was run.
RAN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .every(prompt => /[0-9]/.test(prompt.textContent))"""


def free_port():
    """An unused port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(url, seconds=120):
    """Returns as soon as a server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


@contextlib.contextmanager
def serve(folder):
    """Runs JupyterLab over a folder.

    Args:
        folder: `pathlib.Path`.

    Yields:
        String, its address.
    """
    port = free_port()
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--IdentityProvider.token="]
    command += ["--LabApp.news_url=None", f"--ServerApp.root_dir={folder}"]
    command += ["--KernelManager.transport_encryption=auto"]  # as `make lab` does
    url = f"http://127.0.0.1:{port}/lab"
    with tempfile.TemporaryDirectory() as home:
        for name, values in SETTINGS.items():
            path = pathlib.Path(home, f"{name}.jupyterlab-settings")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        # Nor does it open what was open the last time.
        homes = {"JUPYTERLAB_SETTINGS_DIR": home, "JUPYTERLAB_WORKSPACES_DIR": home}
        environment = os.environ | homes
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
        try:
            wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def chromium():
    """Starts headless Chromium, whose camera is an invented one, as Playwright's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=CHROMIUM,
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def browse(width=1280, height=960, has_touch=False, browser=None):
    """Opens a page.

    Args:
        width: Integer, pixels.
        height: Integer, pixels.
        has_touch: Boolean, whether the screen feels fingers.
        browser: What `chromium` yields; without it, one that ends with the page.

    Yields:
        A page of Playwright.
    """
    with contextlib.nullcontext(browser) if browser else chromium() as found:
        page = found.new_page(
            viewport={"width": width, "height": height}, has_touch=has_touch
        )
        yield page
        page.close()


def wait_for_kernel(server, seconds=120):
    """Returns as soon as a kernel is idle and a page is connected to it.

    To run cells before makes JupyterLab ask which kernel one wants.

    Args:
        server: String, address of the server.
        seconds: Number.

    Raises:
        TimeoutError: If none is.
    """
    end, kernels = time.monotonic() + seconds, []
    while time.monotonic() < end:
        # While a kernel starts, the server may answer with an error of its own.
        with contextlib.suppress(urllib.error.HTTPError):
            with urllib.request.urlopen(f"{server}/api/kernels") as answer:
                kernels = json.loads(answer.read())
        if any(k["connections"] and k["execution_state"] == "idle" for k in kernels):
            time.sleep(1)  # the page learns of it a moment later
            return
        time.sleep(0.2)
    raise TimeoutError(f"Expected an idle kernel. Received: {kernels}")


def run_all(page, address, seconds=480):
    """Opens a notebook and runs all its cells.

    Args:
        page: A page of Playwright.
        address: String, of the notebook in JupyterLab.
        seconds: Number, how long that may take.
    """
    page.goto(address)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=120_000)
    wait_for_kernel(address.split("/lab/")[0])
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("li[data-command='runmenu:run-all']").click()
    page.wait_for_function(RAN, timeout=1000 * seconds)


def scroll_to(page, target):
    """Waits for something and brings it to the middle of the page.

    Args:
        page: A page of Playwright.
        target: A locator of Playwright.
    """
    target.first.wait_for(state="attached", timeout=60_000)
    target.first.evaluate("node => node.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
