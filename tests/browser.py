"""A real browser for tests: Debian's chromium by Playwright; without it the tests say so and are skipped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from bench import hosted

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium: apt install chromium")
SIZES = {"wide": (1280, 900), "narrow": (390, 800)}


@dataclass
class Complaints:
    """What a browser complained of while a page was open: errors of the console, and of scripts.

    A question that was refused (422) is answered by a sentence in the page; the browser names it all the same.
    """

    lines: list[str] = field(default_factory=list)

    def listen(self, page) -> None:
        page.on(
            "console", lambda message: self.lines.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: self.lines.append(str(error)))


@contextmanager
def chromium() -> Iterator:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def serious(page) -> list[str]:
    """What axe finds that keeps somebody out: serious and critical findings, with what they are of."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{row['id']}: {row['nodes'][0]['html'][:200]}"
        for row in found
        if row["impact"] in ("serious", "critical")
    ]


def overhang(page) -> int:
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@contextmanager
def opened(browser, folder, width=1280) -> Iterator:
    """A tab over a folder, and the page's address; what the console complains of fails the test."""
    with hosted(folder) as address:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(180_000)
        tab, complaints = context.new_page(), Complaints()
        complaints.listen(tab)
        tab.goto(address)
        yield tab, address.split("/?")[0]
        context.close()
        assert complaints.lines == [], complaints.lines


def until(true, seconds=240.0) -> None:
    """Wait for something to be true; the page allows no script of ours to wait in it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
