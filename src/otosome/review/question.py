"""What a review asks: which outcomes of which experiments, and the words that choose among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otosome.errors import BadInput
from otosome.review.experiments.experiment import Experiment
from otosome.roles import OutcomeTable

# What each question reads, and the heading it has.
QUESTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "hearing": (("threshold", "emission"), "Does it keep or bring back hearing?"),
    "hair_cells": (("hair cells",), "Does it keep hair cells?"),
    "neurons": (("neurons",), "Does it keep neurons?"),
    "loss": (("hearing loss",), "Do fewer lose hearing?"),
}
KEYS = ("product", "insult", "species", "in", "route", "strength", "study")


@dataclass(frozen=True)
class Question:
    """A question with its filters: by key the words of which one must hold."""

    name: str = "hearing"
    only: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def of(cls, name: str, only: Sequence[str] = ()) -> Question:
        """From words as a command line has them, ``product=vesicles,steroid``; raises BadInput."""
        if name not in QUESTIONS:
            raise BadInput("is not asked", key="question", given=name, allowed=list(QUESTIONS))
        filters = {}
        for text in only:
            key, mark, words = text.partition("=")
            if key not in KEYS or not mark or not words:
                raise BadInput("is KEY=WORD[,WORD]", key="--only", given=text, allowed=list(KEYS))
            filters[key] = tuple(word.strip().replace("_", " ") for word in words.split(","))
        return cls(name, filters)

    @property
    def heading(self) -> str:
        """As a person asks it."""
        return QUESTIONS[self.name][1]

    @property
    def filters(self) -> Mapping[str, tuple[str, ...]]:
        """The filters, none where nothing is left out."""
        return self.only or {}

    def outcomes(self, experiment: Experiment) -> list[str]:
        """The keys of an experiment's outcomes that answer it."""
        options, chosen = experiment.options, self.read_by(experiment)
        primary = [key for key in chosen if options.outcome[key].primary]
        return primary or chosen

    def read_by(self, experiment: Experiment) -> list[str]:
        """The keys of an experiment's outcomes that read what is asked, primary or not."""
        kinds = QUESTIONS[self.name][0]
        return [
            key
            for key, outcome in experiment.options.outcome.items()
            if outcome.of in kinds and outcome.control and self._holds(experiment, outcome)
        ]

    def _holds(self, experiment: Experiment, outcome: OutcomeTable) -> bool:
        words = words_of(experiment, outcome)
        return all(
            any(wanted.lower() == word.lower() for word in words[key] for wanted in chosen)
            for key, chosen in self.filters.items()
        )

    def check(self, every: Sequence[Experiment]) -> None:
        """Refuse a word that no experiment has, and one study named that must not be used; raises BadInput."""
        for key, chosen in self.filters.items():
            words = {
                w for e in every for outcome in e.options.outcome.values() for w in words_of(e, outcome)[key]
            }
            for word in chosen:
                if word.lower() not in {w.lower() for w in words}:
                    raise BadInput(
                        "is no word of any experiment", key=f"--only {key}", given=word, allowed=sorted(words)
                    )
        for experiment in every:
            named = experiment.name.replace("_", " ") in self.filters.get("study", ())
            if named and experiment.why_out:
                raise BadInput(
                    f"cannot be used: {experiment.why_out}",
                    file=experiment.entry.card.file,
                    key="source" if experiment.source.standing != "current" else "checked",
                    given=experiment.name,
                )


def words_of(experiment: Experiment, outcome: OutcomeTable) -> dict[str, list[str]]:
    """The words of an outcome that filters look at, by key."""
    group = experiment.group(outcome.treated)
    where = "people" if experiment.people else "culture" if experiment.culture else "animals"
    return {
        "product": [group.product or ""],
        "insult": [experiment.options.insult.kind],
        "species": [experiment.options.subject.species],
        "in": [where],
        "route": [group.route] if group.route else [],
        "strength": [outcome.strength],
        "study": [experiment.name.replace("_", " ")],
    }
