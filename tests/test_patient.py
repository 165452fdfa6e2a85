"""One person's two implanted ears: what differs without any vesicle, and where nothing does."""

import numpy as np
import pytest

from otosome.catalog import Catalog, get
from otosome.review.claims.claim import Claim
from otosome.review.claims.laboratory import Laboratory
from otosome.shelves.claims.patient import Patient

CATALOG = Catalog()


class Held(Laboratory):
    """A laboratory that holds some numbers at one value."""

    def columns(self, entry, ears, world):
        drawn = super().columns(entry, ears, world)
        return {name: np.full(ears, self.numbers.get(name, column)) for name, column in drawn.items()}


def differences(**held):
    shelf = {"delay": "claims.patient", "tested": "claims.patient", "apart": "claims.patient"}
    numbers = {f"{shelf.get(k, 'devices.cochlear_implant')}.{k}": v for k, v in held.items()}
    return Patient(40, 100, 50, 10.0).differences(Held(numbers=numbers))


def test_ears_that_had_the_same_chances_differ_either_way_alike():
    apart = differences(delay=0.0, tested=1e6)
    # 4,000 people of a spread of some 20 points: three standard errors.
    assert abs(apart.mean()) < 3.0 * apart.std() / np.sqrt(apart.size)
    assert np.mean(apart > 0) == pytest.approx(np.mean(apart < 0), abs=0.03)


def test_two_lists_in_equal_ears_differ_by_chance_alone():
    apart = differences(delay=0.0, tested=1e6, apart=0.0, ear_spread=1e-9, excursion=0.0, person_spread=1e-9)
    # Every ear then has one score but for what is not known of it, near the middle.
    assert apart.std() == pytest.approx(100.0 * np.sqrt(2.0 * 0.25 / 50.0), rel=0.1)


def test_an_ear_that_still_learns_scores_lower():
    assert differences(tested=30.0 * 24.0).mean() < differences(tested=1e6).mean() - 10.0


def test_one_pair_of_ears_shows_nothing_and_the_claim_stays_not_measured():
    claim = Claim.of(get("claims", "patient"), CATALOG)
    figure = claim.figure(Laboratory())
    assert figure.low < -20.0 and figure.high > 20.0
    better, clearly, people = figure.parts
    assert 0.0 < clearly.value < better.value < 100.0
    assert people.low > 5.0
    assert claim.verdict(figure)[0] == "not measured"
