"""What otosome stands on: ``python -m tools.supply`` lists every locked package with its licence, and refuses some.

``--write FILE`` writes a bill of materials as CycloneDX 1.5: names, versions, hashes of the locks, licences.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from packaging.markers import Marker

from otosome import __version__

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Licences that bind what is built with them, or that are not open.
_REFUSED = re.compile(
    r"\b(A?GPL|GNU (Affero )?General Public|non-?commercial|proprietary|CC-BY-NC)", re.IGNORECASE
)
_OPEN = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|PSFL|Python Software Foundation|MPL|Mozilla Public|Zlib|0BSD|CC0|HPND|Unlicense)\b",
    re.IGNORECASE,
)
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?: *; *([^\\\n]+))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Package:
    """A locked package: its name, version, the hashes a file of it may have, and its licence as it states it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str

    @property
    def fault(self) -> str:
        """Why it may not be built on; blank where it may."""
        if not self.hashes:
            return "is locked without a hash"
        if not self.licence:
            return "is not installed, or states no licence"
        if _REFUSED.search(self.licence):
            return f"has a licence that is refused: {self.licence}"
        return "" if _OPEN.search(self.licence) else f"has a licence nobody has looked at: {self.licence}"


def pins(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name, version and hashes of each package of a lock that this system and this Python install."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pin = _PIN.match(block)
        if pin and (pin[3] is None or Marker(pin[3].strip()).evaluate()):
            yield pin[1], pin[2], tuple(_HASH.findall(block))


def packages(lock: Path) -> list[Package]:
    """Every package of a lock, with the licence of the one that is installed."""
    return [Package(*pin, licence(pin[0])) for pin in pins(lock.read_text(encoding="utf-8"))]


def licence(name: str) -> str:
    """The licence an installed package states: as an expression, by classifiers, or by its first words; else blank."""
    try:
        about: PackageMetadata = metadata(name)
    except PackageNotFoundError:
        return ""
    kinds = [
        kind.rpartition("::")[2].strip()
        for kind in about.get_all("Classifier") or []
        if kind.startswith("License ::") and not kind.endswith("OSI Approved")
    ]
    words = (about.get_all("License") or [""])[0]
    return (
        (about.get_all("License-Expression") or [""])[0] or ", ".join(kinds) or " ".join(words.split())[:60]
    )


def bill(every: Sequence[Package]) -> dict[str, object]:
    """A bill of materials after CycloneDX 1.5; the same bytes for the same locks."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "otosome", "version": __version__}},
        "components": [
            {
                "type": "library",
                "name": package.name,
                "version": package.version,
                "purl": f"pkg:pypi/{package.name.lower()}@{package.version}",
                "licenses": [{"license": {"name": package.licence}}],
                "hashes": [{"alg": "SHA-256", "content": hash_} for hash_ in package.hashes],
            }
            for package in sorted(every, key=lambda package: package.name.lower())
        ],
    }


def main(words: Sequence[str] | None = None) -> int:
    """Print packages and faults; 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="where the bill of materials goes")
    chosen = parser.parse_args(words)
    every = list(
        {package.name.lower(): package for lock in LOCKS for package in packages(PROJECT / lock)}.values()
    )
    for package in every:
        print(
            f"{package.name:28} {package.version:16} {package.licence}{'  ' + package.fault if package.fault else ''}"
        )
    if chosen.write:
        text = json.dumps(bill(packages(PROJECT / LOCKS[0])), indent=1, ensure_ascii=False)
        chosen.write.write_text(text + "\n", encoding="utf-8", newline="\n")
    return int(any(package.fault for package in every))


if __name__ == "__main__":
    sys.exit(main())
