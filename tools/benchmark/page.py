"""The page under load: ``python -m tools.benchmark.page [MINUTES] [CLIENTS]`` on loopback, over a folder of its own.

Clients look at rooms and ask the API one request after another, and now and then ask a job; every job must end with an
answer. ``slider`` in place of the minutes: one client moves a slider of the room Ear while a run is computed beside.
What is printed goes into ``docs/performance.md``.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOMS = ("/", "/lot", "/evidence", "/trial", "/record", "/static/bench.css")
QUESTIONS = ("/api/folder", "/api/jobs?most=30")
STUDY = "noise_mouse"
# Each client asks a job so seldom that the jobs, not their number, are what is waited for.
_EVERY = 200


@dataclass
class Load:
    """What clients met: seconds of each request by its kind, answers that were none, and the jobs they asked.

    ``slider``  the address that a slider of the room Ear asks, of an answer that is stored
    """

    took: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    slider: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


def client(host: str, cookie: str, until: float, load: Load) -> None:
    """One visitor, who asks the next thing as soon as the last is answered."""
    headers = {"Cookie": cookie, "Origin": f"http://{host}", "Content-Type": "application/json"}
    line = http.client.HTTPConnection(host, timeout=120)
    count = 0
    while time.monotonic() < until:
        paths = (*ROOMS, *QUESTIONS, load.slider)
        path = paths[count % len(paths)]
        asked = count % _EVERY == _EVERY // 2
        count += 1
        began = time.monotonic()
        if asked:
            line.request("POST", "/api/ask/new", json.dumps({"kind": "trial"}), headers)
        else:
            line.request("GET", path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        kind = (
            "a job"
            if asked
            else "a slider moved"
            if path == load.slider
            else "a question to the API"
            if path in QUESTIONS
            else "a room"
        )
        with load.lock:
            load.took.setdefault(kind, []).append(time.monotonic() - began)
            if answer.status != 200:
                load.failed.append(f"{path}: {answer.status}")
            elif asked:
                load.jobs.append(json.loads(body)["id"])


@contextmanager
def served(folder: str) -> Iterator[tuple[str, str, http.client.HTTPConnection]]:
    """The page over a folder: its host, the cookie it gave, and a connection by which every room was looked at."""
    words = [sys.executable, "-P", "-m", "otosome.cli", "open", folder, "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        opening = re.search(r"http\S+", server.stdout.readline())
        assert opening is not None
        address = urlsplit(opening[0])
        first = http.client.HTTPConnection(address.netloc)
        first.request("GET", f"/?{address.query}")
        entered = first.getresponse()
        entered.read()
        cookie = str(entered.headers["Set-Cookie"]).split(";")[0]
        for room in ROOMS:
            # What a room imports it imports once, before anybody is measured.
            first.request("GET", room, headers={"Cookie": cookie})
            first.getresponse().read()
        try:
            yield address.netloc, cookie, first
        finally:
            server.terminate()


def measure(minutes: float, clients: int) -> Load:
    """Serve a folder, let the clients in, and wait for the jobs they asked."""
    load = Load()
    with tempfile.TemporaryDirectory() as folder, served(folder) as (host, cookie, first):
        load.slider = stored_answer(first, cookie)
        until = time.monotonic() + 60 * minutes
        every = [threading.Thread(target=client, args=(host, cookie, until, load)) for _ in range(clients)]
        for thread in every:
            thread.start()
        for thread in every:
            thread.join()
        load.failed += lost(Path(folder), load.jobs)
    return load


def slider(moves: int = 300) -> None:
    """Move a slider to and fro over a stored answer, ten times a second, while a run of 4,000 ears is computed."""
    with tempfile.TemporaryDirectory() as folder, served(folder) as (host, cookie, line):
        headers = {"Cookie": cookie, "Origin": f"http://{host}", "Content-Type": "application/json"}
        path = stored_answer(line, cookie)

        def ask(method: str, where: str, body: dict[str, object] | None = None) -> dict[str, object]:
            line.request(method, where, None if body is None else json.dumps(body), headers)
            answer: dict[str, object] = json.loads(line.getresponse().read())
            return answer

        run: dict[str, object] = {"study": STUDY, "subjects": 4000, "insist": True}
        job = ask("POST", "/api/ask/run", run)
        while ask("GET", f"/api/jobs/{job['id']}")["progress"] is None:
            time.sleep(0.2)
        took = []
        for _ in range(moves):
            began = time.monotonic()
            assert "contrast" in ask("GET", path)
            took.append(1000 * (time.monotonic() - began))
            time.sleep(0.1)
        state, load = ask("GET", f"/api/jobs/{job['id']}")["state"], os.getloadavg()[0]
        ask("POST", f"/api/jobs/{job['id']}/cancel")
    took.sort()
    print(
        f"{moves} moves beside a {state} job, load average {load:.1f}: median {took[moves // 2]:.0f} ms, "
        f"95 % {took[int(0.95 * moves)]:.0f} ms, slowest {took[-1]:.0f} ms"
    )


def stored_answer(line: http.client.HTTPConnection, cookie: str) -> str:
    """Have the first answer of a study computed; where a slider that comes back to it asks for it."""
    headers = {
        "Cookie": cookie,
        "Origin": f"http://{line.host}:{line.port}",
        "Content-Type": "application/json",
    }
    line.request("GET", f"/ear?study={STUDY}", headers=headers)
    day = json.loads(re.search(r'"start": (\{.*?\})', line.getresponse().read().decode())[1])["day"]  # type: ignore[index]
    line.request("POST", "/api/ear/fill", json.dumps({"study": STUDY, "day": day}), headers)
    line.getresponse().read()
    until = time.monotonic() + 900
    while time.monotonic() < until:
        line.request("GET", f"/api/ear/kept?study={STUDY}", headers=headers)
        kept = json.loads(line.getresponse().read())
        if any(answer["position"]["day"] == day for answer in kept["answers"]):
            return f"/api/ear/answer?study={STUDY}&day={day}"
        time.sleep(1)
    raise TimeoutError("the preview was not computed")


def lost(folder: Path, jobs: list[str]) -> list[str]:
    """Jobs that have no answer once all had time for one: each names its file."""
    until = time.monotonic() + 600
    while time.monotonic() < until:
        states = {
            name: json.loads((folder / ".otosome" / "jobs" / name / "job.json").read_text()) for name in jobs
        }
        if all(state["state"] not in ("waiting", "running") for state in states.values()):
            break
        time.sleep(1)
    return (
        [f"job {name}: {state['state']}" for name, state in states.items() if state["state"] != "done"]
        if jobs
        else []
    )


def main(minutes: float, clients: int) -> None:
    """Print what was met, a row a kind of request."""
    load = measure(minutes, clients)
    total = sum(len(each) for each in load.took.values())
    print(
        f"{clients} clients for {minutes:g} minutes: {total} requests, {len(load.jobs)} jobs, {len(load.failed)} failed"
    )
    print("| request | number | median, ms | 95 %, ms |\n|---|---|---|---|")
    for kind, each in sorted(load.took.items()):
        each.sort()
        print(
            f"| {kind} | {len(each)} | {1000 * each[len(each) // 2]:.0f} | {1000 * each[int(0.95 * len(each))]:.0f} |"
        )
    for line in load.failed[:20]:
        print(line)


if __name__ == "__main__":
    minutes, clients = [*sys.argv[1:3], *("5", "20")[len(sys.argv[1:3]) :]]
    if minutes == "slider":
        slider()
    else:
        main(float(minutes), int(clients))
