"""Published experiments: what was treated with what, what happened, how far it was read, how it may mislead."""

from otosome.review.experiments.experiment import DOMAINS, SHELF, SYRCLE, Experiment, experiments

__all__ = ["DOMAINS", "SHELF", "SYRCLE", "Experiment", "experiments"]
