"""A page over a folder, for tests: in this process without a socket, or served as a person starts it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.testclient import TestClient

from otosome.page.app import application
from otosome.page.guard import Guard
from otosome.page.keys import Keys
from otosome.page.room import Bench
from otosome.page.work import OPEN, Work, wait
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
    _cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.stranger()

    def stranger(self, host: str = HOST) -> TestClient:
        """A visitor without leave."""
        return TestClient(self.app, base_url=f"http://{host}", follow_redirects=False)

    def enter(self) -> TestClient:
        """A visitor who came by the opening address, and asks as the page itself does; the address opens once."""
        client = self.stranger()
        if self._cookies:
            client.cookies.update(self._cookies)
        else:
            assert client.get(f"/?token={self.keys.once}").status_code == 303
            self._cookies = dict(client.cookies)
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


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """The page served by a thread of this process, as ``otosome open`` serves it but at once: the opening address."""
    import uvicorn

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        host = f"127.0.0.1:{bound.getsockname()[1]}"
        workspace, keys = Workspace(folder), Keys()
        work = Work(folder, workspace.own)
        work.begin()
        app = application(Bench(workspace, work), keys, frozenset((host,)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", server_header=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield f"http://{host}/?token={keys.once}"
        finally:
            server.should_exit = True
            thread.join(20)
            finish(work)


def finish(work: Work) -> None:
    """End what still runs, and wait until it has."""
    for job in work.jobs():
        if job.state in OPEN:
            work.cancel(job.id)
            wait(work, job.id, 60)
    work.end()
    for process in work._processes.values():
        process.wait(30)
