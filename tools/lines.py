"""Which tests run which lines: ``pytest -p tools.lines`` writes one file a process to the folder OTOSOME_LINES names.

What Numba compiled leaves no trace, and what a fixture or a cache keeps is of the first test alone:
:meth:`Map.tests_of` and :meth:`Map.whole` say what is run then.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import pytest

if TYPE_CHECKING:
    from coverage.sqldata import CoverageData

FOLDER = "OTOSOME_LINES"
SOURCE = Path(__file__).parents[1] / "src" / "otosome"


class Recorder:
    """Traces a process of tests, a context for each, and how long each took."""

    def __init__(self, folder: Path) -> None:
        self.stem = folder / f"{os.getpid()}"
        self.tracer = coverage.Coverage(data_file=f"{self.stem}.lines", source=[str(SOURCE)])
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_sessionstart(self) -> None:
        """Begin before a test module is read."""
        self.tracer.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Lines run from a test's set-up to its end are its own."""
        self.tracer.switch_context(item.nodeid)
        yield
        self.tracer.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what a test took, its set-up included; one that fails without any change notices none."""
        self.seconds[report.nodeid] += math.inf if report.failed else report.duration

    def pytest_sessionfinish(self) -> None:
        """Write both beside each other."""
        self.tracer.stop()
        self.tracer.save()
        Path(f"{self.stem}.json").write_text(json.dumps(self.seconds), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Record each process that runs tests itself."""
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if os.environ.get(FOLDER) and runs_tests:
        config.pluginmanager.register(Recorder(Path(os.environ[FOLDER])))


@dataclass
class Map:
    """Tests by file and line, and the seconds of each test."""

    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Map:
        """Every process's record, files named below src/."""
        whole = cls()
        for file in sorted(folder.glob("*.json")):
            whole.seconds.update(json.loads(file.read_text(encoding="utf-8")))
            data = coverage.CoverageData(str(file.with_suffix(".lines")))
            data.read()
            whole._add(data)
        return whole

    def _add(self, data: CoverageData) -> None:
        for name in data.measured_files():
            path = Path(name)
            below = path.parts[len(path.parts) - path.parts[::-1].index("src") - 1 :]
            lines = self.lines.setdefault("/".join(below), defaultdict(set))
            for line, contexts in data.contexts_by_lineno(name).items():
                lines[line] |= set(contexts) - {""}

    def tests_of(self, file: str, line: int) -> list[str]:
        """Tests that run a line, the quickest first; of a line that is run once for all, those of its whole file."""
        lines = self.lines.get(file, {})
        tests = lines.get(line, set()) or set[str]().union(*lines.values())
        known = [name for name in tests if math.isfinite(self.seconds.get(name, math.inf))]
        return sorted(known, key=lambda name: (self.seconds[name], name))

    def traced(self, file: str, line: int) -> bool:
        """Whether some test runs a line itself: what imports run once, or Numba compiled, is of no test."""
        return bool(self.lines.get(file, {}).get(line))

    def whole(self, tests: Sequence[str]) -> dict[str, float]:
        """The files of some tests with the seconds of each, those first of which most tests are among them."""
        count = Counter(name.partition("::")[0] for name in tests)
        seconds = dict.fromkeys((name for name, _ in count.most_common()), 0.0)
        for name, took in self.seconds.items():
            file = name.partition("::")[0]
            if file in seconds:
                seconds[file] += took
        return {file: took for file, took in seconds.items() if math.isfinite(took)}
