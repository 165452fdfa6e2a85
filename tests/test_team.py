"""Work spread over processes: the same answers, errors and order for any number of them, and none is left behind."""

from __future__ import annotations

import json
import os
import pickle
import platform
import re
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from multiprocessing import active_children
from threading import Event

import numpy as np
import pytest
import tomli_w

from otosome.answers.answer import answer
from otosome.answers.therapies import therapies
from otosome.errors import BadInput, own_fault, placed
from otosome.forward import best, draw, plan
from otosome.jobs.watch import WORKERS, workers
from otosome.model.team import MOST, Team, processes, team, usual
from otosome.review.claims import claims
from otosome.review.qualification import qualify
from otosome.study import load, loads
from small_study import STUDY, write

# A formula of one's own that cannot compute some ears.
BROKEN = '''
"""A blow that some ears do not survive."""

from dataclasses import dataclass

import numpy as np

from otosome.roles import Ear, Exposure
from otosome.units import Array, PerHour


@dataclass(frozen=True)
class Blow:
    """Injury that is refused."""

    ohc: PerHour
    needs: tuple[str, ...] = ()

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, Array]:
        """1/h, shape (subject, time, place)."""
        raise ValueError("this ear is not for blows")

    def stress(self, ear: Ear, exposure: Exposure) -> Array:
        """1/h, shape (subject, time, place)."""
        return np.zeros((1, exposure.knots.size, ear.place.size))
'''
NUMBER = {"meaning": "rate", "value": "0.1 1/h", "low": "0.1 1/h", "high": "0.1 1/h", "basis": "assumed"}


def square(number):
    return number * number


def slow_first(number):
    """The earlier, the later it is done."""
    time.sleep(0.2 if number == 0 else 0.0)
    return number, os.getpid()


def refuse(number):
    """Refuses from 3 on; 4 at once, 3 a little later."""
    if number == 3:
        time.sleep(0.2)
    if number >= 3:
        raise BadInput("is too many", key="number", given=number, allowed="up to 2", cure="take fewer")
    return number


def leave(number):
    """Ends the process that does it."""
    if active_children():
        time.sleep(60)
    os._exit(1)


def sums(numbers):
    """Work that is itself spread."""
    with team(2) as helpers:
        return sum(helpers.spread(square, numbers))


def pause(number):
    time.sleep(60)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_comes_back_is_in_the_order_of_what_was_asked(count):
    with team(count) as helpers:
        assert list(helpers.spread(square, range(20))) == [n * n for n in range(20)]


def test_processes_share_the_work_keep_its_order_and_are_ended():
    with processes(2) as helpers:
        done = list(helpers.spread(slow_first, range(40)))
        assert [number for number, _ in done] == list(range(40))
        assert list(helpers.spread(sums, [range(3), range(5)])) == [5, 30]
        (child,) = active_children()
        while not any(pid != os.getpid() for _, pid in done):
            done = list(helpers.spread(slow_first, range(40)))
        assert {pid for _, pid in done} <= {os.getpid(), child.pid}
    assert active_children() == []


CREWS = {"alone": lambda: team(1), "threads": lambda: team(3), "processes": lambda: processes(2)}


@pytest.mark.parametrize("crew", CREWS.values(), ids=CREWS)
def test_the_error_is_that_of_the_first_that_fails_whoever_met_one_first(crew):
    with crew() as helpers, pytest.raises(BadInput) as refused:
        list(helpers.spread(refuse, range(6)))
    assert str(refused.value) == "number: is too many; given: 3; allowed: up to 2; take fewer"
    assert refused.value.as_dict()["key"] == "number"


def test_a_process_that_is_lost_is_one_sentence():
    with processes(2) as helpers:
        (lost,) = helpers.begin(leave, [0])
        lost.done.result()
        with pytest.raises(BadInput, match=r"^workers: a worker was ended from outside; if memory ran short"):
            lost.result()


def interrupted():
    with processes(2) as helpers:
        helpers.begin(pause, [0])
        raise KeyboardInterrupt


def test_an_interrupt_does_not_wait_for_what_a_process_is_at():
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    # What the process is at takes a minute.
    assert active_children() == [] and time.monotonic() - began < 50


def test_helpers_take_what_came_first_and_whoever_waits_takes_what_it_waits_for():
    taken, free = [], Event()

    def helper(task):
        free.wait()
        taken.append(task.item)
        return True, task.item

    crew = Team([helper])
    tasks = crew.begin(square, [9, 5, 3, 0, 1])
    while len(crew._waiting) == 5:
        time.sleep(0.001)
    assert tasks[3].result() == 0
    free.set()
    for task in tasks:
        task.done.result()
    crew.end()
    assert taken == [9, 5, 3, 1]


def test_one_worker_is_this_thread_alone_and_so_is_all_within_it():
    with team(1) as outer, team(4) as inner:
        assert inner is outer
    with team(3) as outer, team(2) as inner:
        assert inner is outer


def test_a_study_goes_to_another_process_as_it_is_stated():
    study = loads(tomli_w.dumps(STUDY))
    chain = plan(study)
    assert study.parameters and chain.knots.size and study.catalog.get("insults", "noise")
    again, other = pickle.loads(pickle.dumps((chain, study)))
    assert again.study is other and "parameters" not in vars(other) and "knots" not in vars(again)
    assert other == study and again == chain and other.tables == study.tables
    np.testing.assert_array_equal(again.knots, chain.knots)
    catalog = pickle.loads(pickle.dumps(study.catalog))
    assert catalog == study.catalog and not catalog._known


@pytest.mark.parametrize("verb", [answer, therapies])
def test_an_answer_is_the_same_to_the_bit_from_one_process_and_from_two(verb):
    study = load("compare_implant") if verb is therapies else loads(tomli_w.dumps(STUDY))
    ears = draw(study, 18, seed=4, world=3)
    answers = []
    for count in (1, 2):
        with processes(count):
            answers.append(verb(study, ears))
    one, two = answers
    assert one.identical(two) and one.attrs == two.attrs
    assert json.loads(one.attrs["therapies" if verb is therapies else "sensitivity"])


def test_claims_and_cases_are_the_same_from_one_process_and_from_two():
    rows = []
    for count in (1, 2):
        with processes(count):
            rows.append(
                (claims(["inflammation", "aids", "burden"], 2), qualify(["pk:C01", "ear:E1", "ear:B9"], 2))
            )
    assert rows[0] == rows[1]
    assert [row["claim"] for row in rows[0][0]] == ["inflammation", "aids", "burden"]


@pytest.fixture
def broken(tmp_path):
    """A study with an insult whose own formula refuses."""
    shelf = tmp_path / "own" / "insults"
    shelf.mkdir(parents=True)
    (shelf / "blow.py").write_text(BROKEN, encoding="utf-8")
    entry = {"about": "A blow.", "ohc": {**NUMBER, "because": "Made up for the test."}}
    (shelf / "blow.toml").write_text(tomli_w.dumps(entry), encoding="utf-8")
    file = write(tmp_path, insult={"blast": {"entry": "blow", "at": ["0 h"]}})
    return load(file, shelves=(tmp_path / "own",))


def test_an_error_of_ones_own_formula_names_its_line_from_any_process(broken):
    line = 1 + BROKEN.splitlines().index('        raise ValueError("this ear is not for blows")')
    said = []
    for count in (1, 2):
        with processes(count), pytest.raises(ValueError, match="this ear is not for blows") as refused:
            answer(broken, draw(broken, 12, seed=1))
        said.append(str(own_fault(refused.value) or refused.value))
    assert said[0] == said[1]
    assert re.search(rf"blow\.py: line {line}: raised ValueError: this ear is not for blows", said[0])


def test_a_placed_error_keeps_its_words_and_its_place(broken):
    with pytest.raises(ValueError, match="this ear is not for blows") as refused:
        answer(broken, best(broken), workers=1)
    again = pickle.loads(pickle.dumps(placed(refused.value)))
    assert str(again) == str(refused.value) and str(own_fault(again)) == str(own_fault(refused.value))
    ours = BadInput("is none", key="a")
    assert placed(ours) is ours and own_fault(ValueError("none")) is None


def test_workers_are_as_many_as_stated_or_as_there_are_cores(monkeypatch):
    monkeypatch.delenv(WORKERS, raising=False)
    assert workers() == usual() == min(MOST, os.cpu_count() or 1)
    monkeypatch.setenv(WORKERS, "3")
    assert workers() == 3
    for wrong in ("0", "-1", "two", ""):
        monkeypatch.setenv(WORKERS, wrong)
        with pytest.raises(BadInput, match=f"{WORKERS}: is no number of processes"):
            workers()


@pytest.mark.skipif(os.name == "nt", reason="a console's own signals")
@pytest.mark.parametrize(
    "ending, code, how", [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended from outside")]
)
def test_what_ends_the_command_ends_every_process_of_it(tmp_path, ending, code, how):
    write(tmp_path)
    program = "from otosome.cli import main; main()"
    run = subprocess.Popen(
        [sys.executable, "-c", program, "run", "small.toml", "--subjects", "100000", "--insist"],
        cwd=tmp_path, env={**os.environ, WORKERS: "2"}, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # A job in the background of a shell ignores an interrupt, and so does what it starts.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert run.stderr is not None
    assert "simulating" in run.stderr.readline()
    os.killpg(run.pid, ending)
    try:
        rest = run.communicate(timeout=60)[1]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == code
    assert rest.splitlines()[-1] == f"otosome run: {how}; nothing was replaced" and "Traceback" not in rest
    # Every process of it writes to that pipe: it is read to its end only where none is left.


def test_a_program_of_ones_own_needs_no_guard_against_being_run_again(tmp_path):
    """Only the command line starts processes: a script that calls the library has threads."""
    write(tmp_path)
    script = textwrap.dedent(
        """
        from multiprocessing import active_children
        import otosome
        study = otosome.load("small.toml")
        result = otosome.answer(study, otosome.draw(study, 4, seed=1))
        print(result.sizes["subject"], active_children())
        """
    )
    (tmp_path / "own.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "4 []" and not done.returncode


class Counted:
    """Something that says how often it was sent to another process."""

    sent = 0

    def __reduce__(self):
        Counted.sent += 1
        return Counted, ()


def same(_counted, number):
    return number


def touched(number):
    """How often this process got memory anew from the system while arrays of 4 MB came and went."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(number):
        # Together more than the allocator holds on to by itself.
        arrays = [np.ones(2**19) for _ in range(4)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is set is of glibc's allocator")
def test_memory_that_was_freed_is_used_again_in_every_process():
    # The four arrays at most a few times, and not forty times.
    most = 4 * 4 * 2**22 // os.sysconf("SC_PAGE_SIZE")
    with processes(2) as helpers:
        (there,) = helpers.begin(touched, [40])
        # Nobody here asks for the result, so it is the other process that does it.
        assert there.done.result()[1] < most
        assert touched(40) < most


def test_work_is_sent_once_however_many_items_there_are():
    with processes(2) as helpers:
        tasks = helpers.begin(partial(same, Counted()), range(50))
        for task in tasks:
            task.done.result()
        assert [task.result() for task in tasks] == list(range(50))
    assert Counted.sent == 1
