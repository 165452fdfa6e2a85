"""The same seed on another processor, with other widths of vectors: the same readings to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

READINGS = """
import sys
import numpy as np
import otosome

study = otosome.load(sys.argv[1])
ears = otosome.draw(study, 4, seed=3)
readings = otosome.observe(study, otosome.simulate(study, ears), ears)
np.save(sys.argv[2], readings["value"].to_numpy(float))
"""
# An x86-64 of 2003: vectors of two numbers, no fused multiply and add.
OLD = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
}


def readings(name: str, folder: Path, processor: dict[str, str]) -> np.ndarray:
    """The readings of a shipped study, compiled anew for a processor."""
    folder.mkdir()
    environment = {**os.environ, **processor, "NUMBA_CACHE_DIR": str(folder / "cache")}
    words = [sys.executable, "-c", READINGS, name, str(folder / "readings.npy")]
    subprocess.run(words, check=True, env=environment, timeout=1800, capture_output=True)
    return np.load(folder / "readings.npy")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["noise_mouse", "gentamicin_guinea_pig"])
def test_an_old_processor_reads_the_same_to_rounding(name, tmp_path):
    here, old = readings(name, tmp_path / "here", {}), readings(name, tmp_path / "old", OLD)
    assert here.size > 500
    assert np.isfinite(here).all()
    # Readings are rounded as an instrument rounds them: those that move at all move by a bit in the last place.
    assert old == pytest.approx(here, rel=1e-12, abs=1e-12)
