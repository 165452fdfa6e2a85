"""A bank simulated by a Dask cluster on this computer: the same ears, whoever ends on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import distributed
import pytest
from distributed import Client
from typer.testing import CliRunner

import banked
from banked import STUDY, quiet
from otosome.cli import app
from otosome.errors import BadInput
from otosome.trials import bank as banks
from otosome.trials import cluster
from otosome.trials.bank import bank
from otosome.trials.cluster import Crew

ASKED = replace(banked.ASKED, bank=24, world=12)
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def free_port():
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        return end.getsockname()[1]


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, workers):
        self.port, self.processes = free_port(), []
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.start_scheduler()
        self.workers = [
            self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny") for _ in range(workers)
        ]

    def start_scheduler(self):
        return self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )

    def _start(self, program, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *words],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def wait(self, workers):
        with Client(self.address, timeout=90, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=90)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def few_ears(monkeypatch):
    """Shards of two ears: twelve of them."""
    monkeypatch.setattr(banks, "SHARD", 2)


@pytest.fixture
def whole(tmp_path, few_ears):
    return bank(STUDY, (), ASKED, tmp_path / "alone", Crew(), False, quiet).hash


@pytest.fixture
def running():
    """Three workers that have found their scheduler."""
    started = Cluster(3)
    started.wait(3)
    yield started
    started.end()


def test_a_scheduler_that_is_not_there_is_refused_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(BadInput, match="no scheduler answers there"):
        Crew(scheduler=address).check()
    with pytest.raises(BadInput, match="no scheduler answers there"):
        Crew(scheduler="nonsense://x").check()
    assert not list(tmp_path.iterdir())


DESIGN = """
design = "animal_experiment"
difference = ["10 dB"]
[simulate]
study = "noise_mouse"
treated = "106 dB + vesicles"
control = "106 dB + vehicle"
measure = "abr"
at = "14 d"
n = 6
"""


def asked_at(tmp_path, address):
    """What the command line says of a trial to be simulated at an address; nothing is written."""
    file = tmp_path / "mine.toml"
    file.write_text(DESIGN, encoding="utf-8")
    said = CliRunner().invoke(
        app, ["trial", str(file), "--scheduler", address, "--out", str(tmp_path / "out")]
    )
    assert said.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]
    (sentence,) = said.output.strip().splitlines()
    return sentence


def test_the_command_line_says_in_one_sentence_that_no_scheduler_answers(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    assert f"--scheduler: no scheduler answers there; given: {address}" in asked_at(tmp_path, address)


class Answering:
    """A scheduler that answers, whose workers say which version they are; of none of them nobody comes."""

    versions: tuple[str, ...] = ()

    def __init__(self, address, timeout, set_as_default):
        self.address = address

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def wait_for_workers(self, count, timeout):
        if len(self.versions) < count:
            raise TimeoutError

    def run(self, ask):
        assert ask() == cluster.__version__
        return {f"tcp://worker-{place}": version for place, version in enumerate(self.versions)}


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        ((), "--scheduler: the scheduler has no worker; given: tcp://there:1"),
        (
            ("9.9.9",),
            f"--scheduler: workers have another otosome; given: 9.9.9; allowed: {cluster.__version__}",
        ),
        ((cluster.__version__, "0.0.1"), "--scheduler: workers have another otosome; given: 0.0.1"),
    ],
    ids=["no worker", "another version", "one of two"],
)
def test_workers_that_cannot_do_the_work_are_refused_in_one_sentence(
    monkeypatch, tmp_path, versions, sentence
):
    monkeypatch.setattr(distributed, "Client", Answering)
    monkeypatch.setattr(Answering, "versions", versions)
    assert sentence in asked_at(tmp_path, "tcp://there:1")


def test_workers_of_this_version_may_begin(monkeypatch):
    monkeypatch.setattr(distributed, "Client", Answering)
    monkeypatch.setattr(Answering, "versions", (cluster.__version__,) * 2)
    Crew(scheduler="tcp://there:1").check()


def test_without_dask_a_scheduler_is_refused_with_the_line_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert 'needs Dask; given: tcp://there:1; pip install "otosome[cluster]"' in asked_at(
        tmp_path, "tcp://there:1"
    )


@pytest.mark.slow
def test_a_scheduler_without_workers_or_with_others_of_another_version_is_refused(monkeypatch):
    empty = Cluster(0)
    try:
        monkeypatch.setattr(cluster, "PATIENCE", 8)
        with pytest.raises(BadInput, match="has no worker"):
            Crew(scheduler=empty.address).check()
    finally:
        empty.end()
    one = Cluster(1)
    try:
        one.wait(1)
        Crew(scheduler=one.address).check()
        monkeypatch.setattr(cluster, "__version__", "9.9.9")
        with pytest.raises(BadInput, match=r"another otosome.*9\.9\.9"):
            Crew(scheduler=one.address).check()
    finally:
        one.end()


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(running, whole, tmp_path):
    ended = []

    def kill(done, of):
        if done == 4 and not ended:
            ended.append(running.workers[0].pid)
            running.workers[0].send_signal(signal.SIGKILL)

    by_cluster = bank(STUDY, (), ASKED, tmp_path / "c", Crew(scheduler=running.address), False, kill)
    assert ended
    assert by_cluster.hash == whole
    assert by_cluster.computed == 12


@pytest.mark.slow
def test_a_scheduler_that_is_killed_and_begun_again_goes_on_where_it_was(
    running, whole, tmp_path, monkeypatch
):
    folder, crew = tmp_path / "s", Crew(scheduler=running.address)
    monkeypatch.setattr(cluster, "PATIENCE", 5)

    def kill(done, of):
        if done == 4:
            running.scheduler.kill()

    with pytest.raises(BadInput, match="--resume"):
        bank(STUDY, (), ASKED, folder, crew, False, kill)
    there = {file: file.stat().st_mtime_ns for file in folder.glob("ears_*.npy")}
    assert 4 <= len(there) < 12
    # Workers whose scheduler is gone end; a scheduler and workers begun again have an address of their own.
    begun_again = Cluster(3)
    try:
        begun_again.wait(3)
        again = bank(STUDY, (), ASKED, folder, Crew(scheduler=begun_again.address), True, quiet)
    finally:
        begun_again.end()
    assert again.hash == whole
    assert again.computed <= 12 - len(there)
    assert all(file.stat().st_mtime_ns == then for file, then in there.items())


CLIENT = """
import sys
from pathlib import Path
import test_cluster
from otosome.trials import bank as banks
from otosome.trials.cluster import Crew
banks.SHARD = 2
banks.bank(test_cluster.STUDY, (), test_cluster.ASKED, Path(sys.argv[1]), Crew(scheduler=sys.argv[2]), False, print)
"""


@pytest.mark.slow
def test_who_asked_may_be_killed_and_asks_again(running, whole, tmp_path):
    folder = tmp_path / "k"
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(folder), running.address],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(list(folder.glob("ears_*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    client.kill()
    client.wait()
    marks = sorted(folder.glob("ears_*.json"))
    hashes = {file: json.loads(file.read_text(encoding="utf-8"))["sha256"] for file in marks[:-1]}
    assert hashes
    again = bank(STUDY, (), ASKED, folder, Crew(scheduler=running.address), True, quiet)
    assert again.hash == whole
    assert again.computed < 12
    assert all(json.loads(f.read_text(encoding="utf-8"))["sha256"] == then for f, then in hashes.items())
