"""Property tests that repeat, without a time limit on a busy machine; and a browser that the tests of a file share."""

import os

import pytest
from hypothesis import settings

# Tests run side by side already; test_team.py asks for more processes and compares.
os.environ.setdefault("OTOSOME_WORKERS", "1")

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium, begun once for a file."""
    from browser import chromium

    with chromium() as browser:
        yield browser
