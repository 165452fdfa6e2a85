"""Build the site: ``python -m tools.site [--without-runs]``; its pages are in build/site/html.

``--without-runs``  no gallery and no notebooks executed: seconds instead of minutes, to look at a page
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.site import BESIDE, gallery, links, reference

ROOT = Path(__file__).parents[2]


def sources(source: Path) -> None:
    """Lay all pages into a folder, as they are in docs/, with the generated ones beside them."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source)
    for name, page in BESIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = text.replace("](docs/", "](").replace("](CHANGELOG.md)", "](changelog.md)")
        (source / page).write_text(text, encoding="utf-8", newline="\n")
    reference.write(source)


def build(place: Path, runs: bool = True) -> list[str]:
    """Build the site into a folder; what is wrong with it, nothing where it is whole."""
    source, html = place / "source", place / "html"
    sources(source)
    if runs:
        gallery.write(source, place / "runs")
    else:
        (source / "gallery.md").write_text("# Gallery\n\nLeft out of this build.\n", encoding="utf-8")
    shutil.rmtree(html, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        str(source),
        str(html),
    ]
    execution = {"OTOSOME_NOTEBOOKS": "force" if runs else "off"}
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        command,
        env={**os.environ, **execution, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    faults = []
    if done.returncode:
        # A kernel of a notebook warns too, and of nothing that is wrong with a page.
        stated = [line for line in done.stderr.splitlines() if "IPKernelApp" not in line]
        faults = [line for line in stated if re.search(r"WARNING|ERROR|CRITICAL|xception", line)] or stated[
            -20:
        ]
    broken, outside = links.check(html)
    (place / "outside.txt").write_text("\n".join(outside) + "\n", encoding="utf-8")
    return [*faults, *broken]


def main() -> int:
    """Build it and say what is wrong; 1 where anything is."""
    place = ROOT / "build" / "site"
    place.mkdir(parents=True, exist_ok=True)
    faults = build(place, runs="--without-runs" not in sys.argv)
    print(
        "\n".join(faults)
        or f"the site: {place / 'html' / 'index.html'}; addresses outside it: {place / 'outside.txt'}"
    )
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
