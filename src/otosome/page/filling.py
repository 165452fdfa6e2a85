"""What the sliders of the room Ear show, computed in a process of its own and kept; the latest question goes first."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from otosome.answers.preview import Position
from otosome.errors import BadInput
from otosome.jobs.previewing import PreviewInputs, Previews, Variant, previews
from otosome.jobs.watch import fault_of
from otosome.units import Json

# Ends a filling that hangs.
_LONGEST = 1800.0


@dataclass
class Filling:
    """The one process that fills previews; another question ends it, and what it kept stays."""

    _process: subprocess.Popen[bytes] | None = None
    _wanted: tuple[str, Position] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def want(self, whole: Previews, position: Position) -> None:
        """Have a position and all that one slider reaches from it computed, unless they are kept or being computed."""
        known = whole.answers()
        if whole.window_kept(position) and all(place in known for place in whole.sliders.near(position)):
            return
        with self._lock:
            if self._comes(whole, position):
                return
            self.end()
            whole.fault.unlink(missing_ok=True)
            stated = {
                "study": whole.inputs.study,
                "folder": str(whole.inputs.folder),
                "prior": whole.inputs.prior,
                "variant": asdict(whole.inputs.variant),
                "lot": None if whole.inputs.lot is None else str(whole.inputs.lot),
            }
            question = {
                **stated,
                "subjects": whole.inputs.subjects,
                "seed": whole.inputs.seed,
                **vars(position),
            }
            words = [sys.executable, "-P", "-m", "otosome.page.filling", json.dumps(question)]
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            self._wanted = (whole.key, position)
            limit = threading.Timer(_LONGEST, self._process.kill)
            limit.daemon = True
            limit.start()

    def _comes(self, whole: Previews, position: Position) -> bool:
        """Whether what is being computed reaches a position: to begin anew would take longer."""
        if not self._running() or self._wanted is None or self._wanted[0] != whole.key:
            return False
        return position in set(whole.sliders.near(self._wanted[1]))

    def computing(self, whole: Previews) -> bool:
        """Whether answers of this study are being computed."""
        return self._running() and self._wanted is not None and self._wanted[0] == whole.key

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """End what is being computed."""
        if self._process is not None and self._running():
            self._process.terminate()
            self._process.wait(timeout=10)


def main(question: Json) -> None:
    """Fill the previews that are question for; what is wrong with them is written where the page looks."""
    inputs = PreviewInputs(
        study=question["study"],
        folder=Path(question["folder"]),
        subjects=question["subjects"],
        seed=question["seed"],
        prior=question["prior"],
        variant=Variant(**question["variant"]),
        lot=None if question["lot"] is None else Path(question["lot"]),
    )
    whole = previews(inputs)
    try:
        whole.fill(Position(question["day"], question["dose"], question["potency"]))
    except Exception as error:
        fault = fault_of(error)
        own = (
            fault if fault is not None else BadInput("failed: this is a defect of otosome; please report it")
        )
        whole.fault.write_text(json.dumps(own.as_dict()), encoding="utf-8", newline="\n")
        raise


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
