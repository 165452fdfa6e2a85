"""A page in Debian's chromium, for tests: what its console calls an error fails them."""

import time
from contextlib import contextmanager

import pytest

from bench import served


@contextmanager
def browser(folder, width=1280):
    """A tab over a folder, and the page's address."""
    playwright = pytest.importorskip("playwright.sync_api")
    with served(folder) as (address, _), playwright.sync_playwright() as run:
        chromium = run.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": width, "height": 900})
        wrong = []
        tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(address)
        yield tab, address.split("/?")[0]
        chromium.close()
        assert not wrong


def serious(tab):
    """What axe-core finds that is serious."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(tab).response["violations"]
    return [
        (one["id"], one["nodes"][0]["html"][:120])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def until(true, seconds=15.0):
    """Wait for something to be true; the page allows no script of ours to wait in it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
