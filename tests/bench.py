"""A page over a folder, for tests: in this process without a socket, or served as a person starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.testclient import TestClient

from otosome.page.app import application
from otosome.page.guard import Guard
from otosome.page.keys import Keys
from otosome.page.room import Bench
from otosome.page.work import Work
from otosome.page.workspace import Workspace

HOST = "127.0.0.1:8000"
HERE = f"http://{HOST}"
OWN = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}


@dataclass
class Page:
    """A page in this process: what stands behind it, and a client without leave."""

    folder: Path
    bench: Bench
    keys: Keys
    app: Guard
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.stranger()

    def stranger(self, host: str = HOST) -> TestClient:
        """A visitor without leave."""
        return TestClient(self.app, base_url=f"http://{host}", follow_redirects=False)

    def enter(self) -> TestClient:
        """A visitor who came by the opening address, and asks as the page itself does."""
        client = self.stranger()
        assert client.get(f"/?token={self.keys.once}").status_code == 303
        client.headers.update(OWN)
        return client

    def id(self, name: str) -> str:
        """The id of what lies at a path."""
        self.bench.workspace.forget()
        return next(item.id for item in self.bench.workspace.items() if item.name == name)


def page(folder: Path, **keys: str) -> Page:
    """A page over a folder; its jobs wait until ``bench.work.begin()``."""
    workspace = Workspace(folder)
    bench, own = Bench(workspace, Work(folder, workspace.own)), Keys(**keys)
    return Page(folder, bench, own, application(bench, own, frozenset((HOST, "localhost:8000"))))


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page as ``otosome open`` serves it: the address it prints, and its process; ended afterwards."""
    words = [sys.executable, "-P", "-m", "otosome.cli", "open", str(folder), "--no-browser", *options]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ.copy()
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http\S+", line)
        assert found is not None, line + process.stdout.read()
        yield found.group(), process
    finally:
        process.kill()
        process.communicate(timeout=30)
