"""Pictures of every room of the page over a folder: ``python -m tools.pictures FOLDER OUT``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

WIDTHS = {1280: 900, 390: 800}


def pictures(folder: Path, out: Path) -> None:
    """A picture of each room at each width, as PNG."""
    from playwright.sync_api import sync_playwright

    from otosome.page.room import rooms

    words = [sys.executable, "-P", "-m", "otosome.cli", "open", str(folder), "--no-browser"]
    out.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as play:
        assert server.stdout is not None
        opening = re.search(r"http\S+", server.stdout.readline())
        assert opening is not None
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(opening[0])
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            for room in rooms():
                page.goto(opening[0].split("?")[0] + (room.name if room.place else ""))
                page.wait_for_timeout(1000)
                page.screenshot(path=out / f"{room.name}_{width}.png")
        browser.close()
        server.terminate()


if __name__ == "__main__":
    pictures(*map(Path, sys.argv[1:3]))
