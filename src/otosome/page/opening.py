"""``otosome open``: the page served from this machine until the person ends it."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from otosome.errors import BadInput
from otosome.files import content
from otosome.jobs.watch import SILENT, Watch
from otosome.page.keys import OPENING, Keys
from otosome.units import Json

_SHORTEST_TOKEN = 24
_LARGEST_TOKEN = 1_000


@dataclass(frozen=True, kw_only=True)
class PageInputs:
    """A folder to open.

    ``port``        on which it is served, a free one by default;  ``browser``  whether to open one
    ``listen``      an address of this machine that others reach, instead of none but this machine itself
    ``token_file``  a file with the token that visitors are asked for; needed with ``listen``
    """

    folder: Path = Path()
    port: int = 0
    browser: bool = True
    listen: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True)
class Closed:
    """A page that was ended: its folder, where it was served, and the jobs that go on by themselves."""

    folder: Path
    address: str
    running: tuple[str, ...]

    def as_dict(self) -> Json:
        """What was open, for a machine."""
        result = {"folder": str(self.folder), "address": self.address, "running": list(self.running)}
        return {"result": result, "notes": []}

    def lines(self) -> list[str]:
        """What goes on, for a person."""
        return [
            f"{self.folder}: the page is closed",
            *(f"goes on: {command}" for command in self.running),
        ]


def open_page(inputs: PageInputs, watch: Watch = SILENT) -> Closed:
    """Serve the page over a folder until it is ended; raises BadInput."""
    _installed()
    import uvicorn

    from otosome.page.app import application
    from otosome.page.room import Bench
    from otosome.page.uploads import clear
    from otosome.page.work import OPEN, Work
    from otosome.page.workspace import Workspace

    folder = inputs.folder.resolve()
    keys = _keys(inputs)
    with _alone(folder), _socket(inputs) as bound:
        host, port = bound.getsockname()[:2]
        workspace = Workspace(folder)
        clear(workspace)
        work = Work(folder, workspace.own)
        work.begin()
        named = f"[{host}]" if ":" in host else host
        address = f"http://{named}:{port}/"
        names = ("127.0.0.1", "localhost") if inputs.listen is None else (named,)
        served = application(Bench(workspace, work), keys, frozenset(f"{name}:{port}" for name in names))
        opening = f"{address}?{OPENING}={keys.once}" if keys.once else address
        print(f"otosome: {folder} is open at {opening}  (Ctrl-C ends the page; jobs go on)", flush=True)
        if inputs.browser:
            threading.Timer(0.5, webbrowser.open, [opening]).start()
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning", ws="none", server_header=False))
        try:
            server.run(sockets=[bound])
        except KeyboardInterrupt:
            pass
        finally:
            work.end()
    return Closed(folder, address, tuple(job.command for job in work.jobs() if job.state in OPEN))


def _installed() -> None:
    """Refuse where the packages of the page are not there, which nothing else needs."""
    from importlib.util import find_spec

    absent = [name for name in ("fastapi", "psutil", "uvicorn") if find_spec(name) is None]
    if absent:
        raise BadInput(
            "needs packages that otosome does without otherwise",
            key="open",
            given=f"without {', '.join(absent)}",
            cure="pip install 'otosome[page]'",
        )


def _keys(inputs: PageInputs) -> Keys:
    """What opens the page; raises BadInput for one that others reach without a token."""
    if inputs.listen is not None and inputs.token_file is None:
        raise BadInput(
            "serves the page to other machines, so it asks for a token",
            key="--listen",
            given=inputs.listen,
            cure="write a long secret into a file that only you can read, and name it: --token-file FILE",
        )
    if inputs.token_file is None:
        return Keys()
    token = content(inputs.token_file, _LARGEST_TOKEN).decode("utf-8", "replace").strip()
    if len(token) < _SHORTEST_TOKEN or not token.isascii():
        raise BadInput(
            "holds no token that is hard to guess",
            file=str(inputs.token_file),
            allowed=f"at least {_SHORTEST_TOKEN} letters and digits",
        )
    return Keys(once="" if inputs.listen is not None else Keys().once, stated=token)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One page at a time on a folder; raises BadInput."""
    from filelock import FileLock, Timeout

    from otosome.page.workspace import OWN

    if not folder.is_dir():
        raise BadInput("is no folder", file=str(folder), cure="name one that is there, or make it first")
    own = folder / OWN
    try:
        own.mkdir(exist_ok=True)
        lock = FileLock(own / "page.lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise BadInput(
            "is open already", file=str(folder), cure="go to its tab, or end that otosome first"
        ) from error
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(folder)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _socket(inputs: PageInputs) -> Iterator[socket.socket]:
    """The socket the page is served on: of this machine alone, unless another address is named."""
    host = "127.0.0.1" if inputs.listen is None else inputs.listen
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise BadInput("is no address", key="--listen", given=host, allowed="such as 192.168.1.20") from error
    if address.is_unspecified:
        raise BadInput("is every address", key="--listen", given=host, cure="name the one that others call")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        if os.name != "nt":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, inputs.port))
        except OSError as error:
            raise BadInput(
                f"cannot be served there ({error.strerror})",
                key="--port",
                given=f"{host}:{inputs.port}",
                cure="leave --port out for a free one",
            ) from error
        bound.listen()
        yield bound
