"""Who simulates a bank: processes of this computer, or the workers of a Dask cluster that share its folder.

Either way a shard is a function of its own rows, written by whoever computes it, so nothing finished is lost when a
worker, the scheduler or the one who asked ends: ``resume`` computes what is not whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

from otosome import __version__
from otosome.errors import BadInput

if TYPE_CHECKING:
    from distributed import Client

Work = TypeVar("Work")
# Seconds to wait for a scheduler to answer, and for its first worker.
PATIENCE = 10
_CURE = "go on with --resume"


@dataclass(frozen=True)
class Crew:
    """Who simulates: so many ``workers``, processes of this computer, or those of the ``scheduler`` at an address."""

    workers: int = 1
    scheduler: str | None = None

    def check(self) -> None:
        """Refuse a scheduler that is not there, has no worker, or whose workers are of another version."""
        if self.scheduler is not None:
            with _client(self.scheduler):
                pass

    def each(self, compute: Callable[[Work], None], shards: Sequence[Work]) -> Iterator[None]:
        """Compute every shard, in any order; raises BadInput where a worker or the scheduler is lost."""
        if self.scheduler is not None:
            yield from _by_cluster(self.scheduler, compute, shards)
        elif self.workers == 1:
            yield from map(compute, shards)
        else:
            yield from _by_processes(self.workers, compute, shards)


def _by_processes(workers: int, compute: Callable[[Work], None], shards: Sequence[Work]) -> Iterator[None]:
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(compute, shards)
    except BrokenProcessPool as error:
        raise BadInput(
            "a worker was ended from outside; its shards are computed again", key="workers", cure=_CURE
        ) from error


def _by_cluster(address: str, compute: Callable[[Work], None], shards: Sequence[Work]) -> Iterator[None]:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker, as_completed
    from distributed.comm.core import CommClosedError

    with _client(address) as client, client.as_current():
        # Not pure: a shard is computed because its file is not there, whatever the cluster remembers.
        futures = client.map(compute, list(shards), pure=False)
        try:
            for future in as_completed(futures):  # type: ignore[no-untyped-call]
                future.result()
                yield None
        except (KilledWorker, CancelledError, CommClosedError, TimeoutError) as error:
            raise BadInput(
                "the scheduler or its workers were lost; what they finished is kept",
                key="--scheduler",
                given=address,
                cure=_CURE,
            ) from error


@contextmanager
def _client(address: str) -> Iterator[Client]:
    """A connection to a scheduler whose workers can do the work; raises BadInput."""
    try:
        from distributed import Client
    except ImportError as error:
        raise BadInput(
            "needs Dask", key="--scheduler", given=address, cure='pip install "otosome[cluster]"'
        ) from error
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BadInput(
            "no scheduler answers there",
            key="--scheduler",
            given=address,
            allowed="the address that dask scheduler prints, such as tcp://127.0.0.1:8786",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise BadInput(
                "the scheduler has no worker", key="--scheduler", given=address, cure=f"dask worker {address}"
            ) from error
        versions = client.run(version)
        if other := {v for v in versions.values() if v != __version__}:
            raise BadInput(
                "workers have another otosome",
                key="--scheduler",
                given=", ".join(sorted(map(str, other))),
                allowed=__version__,
            )
        yield client


def version() -> str:
    """The version of otosome where this runs."""
    return __version__
