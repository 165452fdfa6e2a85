"""What the project stands on: every locked package has a hash and an open licence."""

from __future__ import annotations

import json

import pytest

from tools import supply


@pytest.mark.parametrize("lock", supply.LOCKS)
def test_every_locked_package_that_is_installed_is_openly_licensed(lock):
    every = supply.packages(supply.PROJECT / lock)
    assert len(every) > 20
    # A package of another system's branch of the lock is not installed here, and tells nothing.
    assert [f"{p.name} {p.fault}" for p in every if p.licence and p.fault] == []
    assert sum(bool(package.licence) for package in every) > 0.8 * len(every)


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("GPL-3.0-or-later", "refused"),
        ("GNU General Public License v2 (GPLv2)", "refused"),
        ("AGPL-3.0-only", "refused"),
        ("MIT AND CC-BY-NC-4.0", "refused"),
        ("Somebody's own terms", "nobody has looked"),
        ("", "states no licence"),
    ],
)
def test_a_licence_that_binds_or_is_unknown_is_a_fault(licence, words):
    assert words in supply.Package("a", "1", ("0" * 64,), licence).fault


@pytest.mark.parametrize(
    "licence", ["MIT", "BSD-3-Clause", "Apache-2.0 OR BSD-2-Clause", "MPL-2.0", "PSF-2.0"]
)
def test_an_open_licence_is_none_but_a_missing_hash_is(licence):
    assert supply.Package("a", "1", ("0" * 64,), licence).fault == ""
    assert "hash" in supply.Package("a", "1", (), licence).fault


def test_a_lock_is_read_pin_by_pin():
    first, second, third = ("a" * 64, "b" * 64, "c" * 64)
    text = f"# a comment\nalpha==1.2 \\\n    --hash=sha256:{first} \\\n    --hash=sha256:{second}\n    # via beta\n"
    text += f"beta-c==3 ; python_version >= '3.11' \\\n    --hash=sha256:{third}\n"
    text += f"gamma==4 ; python_version < '3' \\\n    --hash=sha256:{third}\n"
    assert list(supply.pins(text)) == [("alpha", "1.2", (first, second)), ("beta-c", "3", (third,))]


def test_the_bill_names_each_package_once_in_order_and_is_the_same_each_time(tmp_path):
    assert supply.main(["--write", str(tmp_path / "bill.json")]) in (0, 1)
    bill = json.loads((tmp_path / "bill.json").read_text(encoding="utf-8"))
    names = [part["name"].lower() for part in bill["components"]]
    assert names == sorted(set(names))
    assert {"numpy", "numba", "pydantic"} <= set(names)
    first = (tmp_path / "bill.json").read_bytes()
    supply.main(["--write", str(tmp_path / "bill.json")])
    assert (tmp_path / "bill.json").read_bytes() == first
