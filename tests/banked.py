"""The small trial in mice whose bank of ears several tests simulate."""

from otosome.trials.simulated import Simulate
from otosome.units import Quantity

STUDY = "noise_mouse"
ASKED = Simulate(
    STUDY,
    "106 dB + vesicles",
    "106 dB + vehicle",
    "abr",
    Quantity("14 d"),
    6,
    baseline=Quantity("-1 d"),
    trials=400,
    bank=20,
    world=10,
)


def quiet(done, of):
    """Hear how far a bank is, and say nothing."""
