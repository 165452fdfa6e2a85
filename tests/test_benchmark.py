"""The comparison with other solvers: on a tiny system, and whether it says what it lacks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otosome.errors import BadInput
from otosome.forward import best
from otosome.model.transport import Grid
from tools.benchmark import peers, timing
from tools.benchmark.document import TITLE, by_hand, document, ratios
from tools.benchmark.timing import PEERS, Size, bench

TINY = Size(places=8, population=2, sample=1, many=2, grid=Grid(8), finest=2)


@pytest.fixture(scope="module")
def ear():
    """The best-value ear on few places, as otosome and as the peers see it."""
    with peers.all_by("plain"):
        made = peers.block(best(peers.study()), Grid(TINY.places), growth=1.1, watched=tuple(peers.MOMENTS))
        yield made, peers.bench_ear(made, 0)


def test_a_peer_given_the_same_system_finds_what_otosome_finds(ear):
    made, system = ear
    peer = peers.Peer(system, np.ones(system.size))
    peer.scale = peers.scales(system, peers.rough(system))
    found = peers.readings(system, peers.scipy_solver(peer, "BDF", 1e-6, 0.1))
    vesicles, cells = peers.misses(peers.ours(made)[0], found)
    # BDF at 1e-6 over a thousand steps, and otosome's knots of a tenth's growth.
    assert vesicles < 3e-4
    assert cells < 3e-4


def test_the_peers_jacobian_is_that_of_their_right_hand_side(ear):
    _, system = ear
    peer = peers.Peer(system, np.ones(system.size))
    y = peers.rough(system)[3]
    peer.fill(y)
    dense = np.zeros((system.size, system.size))
    np.add.at(dense, (peer.row, peer.column), peer.value[: peer.row.size])
    away = y * np.random.default_rng(1).uniform(-1.0, 1.0, y.size)
    sides = [np.zeros(y.size), np.zeros(y.size)]
    for sign, out in zip((1.0, -1.0), sides, strict=True):
        peers.rhs(y + sign * 1e-6 * away, out, system.system)
    seen, told = (sides[0] - sides[1]) / 2e-6, dense @ away
    assert np.max(np.abs(seen - told) / (np.abs(dense) @ np.abs(away) + 1e-300)) < 1e-5


def test_without_the_peers_it_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr(timing, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"otosome\[bench\]"):
        bench(TINY)


def test_it_times_every_peer_and_writes_what_it_found():
    pytest.importorskip("sksundae")
    said = []
    found = bench(TINY, said.append)
    assert set(found["ratios"]["single"]) == set(found["ratios"]["population"]) == set(PEERS)
    assert all(ratio > 0 for kind in ("single", "population") for ratio in found["ratios"][kind].values())
    assert set(found["ratios"]["equal_total_error"]) == {"cvode_smooth", "cvode_plain"}
    assert found["ratios"]["gradient_forwards"] > 1.0
    assert len(found["gradient"]["names"]) == 20
    assert max(found["references_differ"]) < 1e-8
    assert said
    assert json.loads(json.dumps(found))["ratios"] == found["ratios"]
    text = document(found)
    assert text.startswith(TITLE)
    assert all(name in text for name in PEERS.values())
    assert "forward runs" in ratios(found["ratios"])


def test_what_other_programs_measured_outlives_the_document_written_anew():
    page = "## The page\n\nFast.\n\n## Fits\n\nSlow.\n\n"
    assert by_hand(f"# Performance\n\n## The system\n\n{page}## What is not reached\n\nMuch.\n") == page
    assert by_hand("# Performance\n") == ""
