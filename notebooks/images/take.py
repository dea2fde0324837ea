"""Takes README's picture: a lesson in JupyterLab, in a real browser.

    make picture

Needs Chromium on the PATH (Debian: `apt-get install chromium`).
"""

import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
LESSON = "04_remove_the_last_layer.ipynb"
SEEN = "An image becomes a vector"  # what the picture is to show


def free_port():
    """An unused port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(url, seconds=60):
    """Returns as soon as a server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def take(page, url, path):
    """Opens the lesson, runs all cells, and takes the picture."""
    # JupyterLab may ask for news, and for a kernel while the first one starts.
    for question, answer in (("Jupyter news", "No"), ("Select Kernel", "Select")):
        page.add_locator_handler(
            page.get_by_text(question),
            lambda _, answer=answer: page.get_by_role(
                "button", name=answer, exact=True
            ).click(),
        )
    page.goto(url)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    idle.wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("li[data-command='runmenu:run-all']").click()
    page.wait_for_timeout(5000)
    idle.wait_for(timeout=120_000)
    heading = page.get_by_role("heading", name=SEEN)
    for _ in range(100):  # JupyterLab draws only the cells near what is seen
        if heading.count():
            break
        page.mouse.move(700, 500)
        page.mouse.wheel(0, -600)
        page.wait_for_timeout(100)
    heading.evaluate("node => node.scrollIntoView({block: 'start'})")
    page.keyboard.press("Control+b")  # the file list is not the lesson
    page.mouse.wheel(0, 560)
    page.wait_for_timeout(1500)
    page.screenshot(path=path)


def main():
    """Starts JupyterLab, takes the picture, stops JupyterLab."""
    port = free_port()
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--IdentityProvider.token="]
    command += ["--LabApp.news_url=None", f"--ServerApp.root_dir={HERE.parent}"]
    url = f"http://127.0.0.1:{port}/lab"
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(url)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 960})
            take(page, f"{url}/tree/{LESSON}?reset", HERE / "lesson.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
