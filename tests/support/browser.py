"""Chromium and a running dashboard, for tests; a module that imports this is skipped without Chromium."""

import csv
import io
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    pytest.skip("Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True)
SETTLED = """() => {
    const now = performance.now(), app = "[data-testid=stApp][data-test-script-state=notRunning]"
    const busy = "[data-stale=true], [data-testid=stSkeleton], [data-testid=stAppSkeleton]"
    if (!document.querySelector(app) || !document.querySelector(".sp-end") || document.querySelector(busy)
        || window.busy === undefined) window.busy = now
    return now - window.busy > 400
}"""
WAIT = 60_000  # milliseconds, for a busy machine


@contextmanager
def serving(dsn: str) -> Iterator[str]:
    """Run a dashboard and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "sparkify", "dashboard", "--no-browser", "--port", str(port), "--dsn", dsn],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PYTHONWARNINGS": ""},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "URL:" in line:
                break
        else:
            pytest.fail("it did not start")
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[0]
    assert "Traceback" not in said, said
    # Streamlit warns when a thread uses what only the thread of the page may use.
    assert "ScriptRunContext" not in said, said


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """A user with a browser; `trouble` collects what goes wrong in it."""

    def __init__(self, browser: Browser, address: str, **settings: Any) -> None:
        self.address = address
        self.trouble: list[str] = []
        self.context = browser.new_context(timezone_id="America/Los_Angeles", **settings)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.on("console", lambda message: self._hear(message.type, message.text, message.location))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self._see(request.url))

    def _hear(self, kind: str, text: str, location: Any) -> None:
        # Streamlit's page first asks below its own address whether the server is up.
        if kind == "error" and "/_stcore/" not in location["url"]:
            self.trouble.append(text)

    def _see(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"outside: {url}")

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.address}/{path}")
        self.page.locator("h1").first.wait_for()
        return self.wait()

    def wait(self) -> Page:
        """Wait until the page is complete. The script may run twice, as the browser reports its theme
        later."""
        self.page.wait_for_function(SETTLED, polling=50)
        return self.page


def metrics(page: Page) -> dict[str, str]:
    names = page.get_by_test_id("stMetricLabel").all_inner_texts()
    return dict(zip(names, page.get_by_test_id("stMetricValue").all_inner_texts(), strict=True))


def downloaded(page: Page, name: str) -> list[list[str]]:
    """The header and the rows of the CSV that a button of this name downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {name}.csv", exact=True).click()
    assert download.value.suggested_filename == f"{name}.csv"
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def table(page: Page, caption: str) -> Locator:
    found = page.get_by_role("table", name=caption, exact=True)
    found.wait_for()
    return found


def cells(page: Page, caption: str) -> list[list[str]]:
    rows = table(page, caption).locator("tbody tr")
    rows.first.wait_for()
    return [[text.strip() for text in row.locator("td").all_inner_texts()] for row in rows.all()]


def cut_off(page: Page) -> Any:
    """Tables that are wider than their container."""
    return page.locator(".sp-scroll").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one =>"
        " one.getAttribute('aria-label'))"
    )
