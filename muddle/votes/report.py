"""Votes beside the networks, in words: what `muddle votes` prints."""

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from muddle.muddler import Muddler
from muddle.recipe import Recipe
from muddle.votes.measures import (
    ENOUGH,
    Figure,
    in_words,
    moments_of,
    prediction_table,
    predictions_by,
    splits,
    switches,
    undecided,
)
from muddle.votes.read import Visits
from muddle.votes.vote import Vote

SHOWN = 10  # muddles and pairs in a table


class Reading:
    """Votes with what the judges of a bundle say of the same images. Votes of another version are left out."""

    def __init__(self, muddler: Muddler, visits: Visits):
        labels = muddler.bundle.exemplars.labels.tolist()
        own = [vote for vote in visits.votes if vote.version == muddler.version and _fits(vote, labels)]
        self.visits, self.elsewhere, self.muddler = visits, len(visits.votes) - len(own), muddler
        self.splits = splits(own)
        self.marks = [vote for vote in own if vote.kind == "switch"]
        self.names = [judge["name"] for judge in muddler.bundle.report["judges"]][:-1]
        made = muddler.make_batch([Recipe.from_query(split.query) for split in self.splits])
        row = np.arange(len(self.splits))
        pair = np.array([[split.digit, split.target] for split in self.splits], int).reshape(-1, 2)
        each = np.concatenate([made.soft_labels[:, None], made.judge_soft_labels], 1)  # (N, 1 + J, 10)
        two = each[row, :, pair[:, 0]], each[row, :, pair[:, 1]]
        self.shares = two[1] / np.maximum(two[0] + two[1], 1e-9)
        self.first = np.array([split.first for split in self.splits], int)
        self.second = np.array([split.second for split in self.splits], int)
        self.moments = self._moments()

    def _moments(self) -> np.ndarray:
        """When each judge switches on each marked morph: (N, J)."""
        queries = list(dict.fromkeys(vote.query for vote in self.marks))
        known = {}
        for query, m in zip(queries, self.muddler.make([Recipe.from_query(query) for query in queries]), strict=True):
            morph = self.muddler.morph(np.stack([m.codes[0], m.code, m.codes[-1]]))
            known[query] = moments_of(morph.choices, m.target)
        return np.array([known[vote.query] for vote in self.marks], int).reshape(-1, len(self.names))

    def text(self) -> str:
        """Everything, as Markdown."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        votes, dropped, doubles, (passed, checks) = self.visits
        sessions = {vote.session for vote in votes}
        gone = f"{doubles} repeated votes and {len(dropped)} visits dropped"
        yield f"{len(votes):,} votes of {len(sessions):,} visits; {gone}."
        for reason in sorted(set(dropped.values()))[:SHOWN]:
            yield f"- dropped: {reason}"
        if self.elsewhere:
            yield f"{self.elsewhere} votes on muddles that version {self.muddler.version} does not make are left out."
        if checks:
            yield f"Attention checks passed: {passed} of {checks}."
        guesses = sum(split.total for split in self.splits)
        yield f"\n## What is this: {guesses:,} guesses on {len(self.splits):,} muddles\n"
        if self.splits:
            share = undecided(self.splits)
            counted = sum(split.total >= ENOUGH for split in self.splits)
            if counted > 1:
                yield f"Both labels got at least a third on {percents(share)} of {counted} muddles that {ENOUGH} or"
                yield "more visits guessed at.\n"
            yield "| muddle | its digit | its target | another | no digit |\n|---|---:|---:|---:|---:|"
            for split in self.splits[:SHOWN]:
                yield f"| {split.query} | {split.first} | {split.second} | {split.other} | {split.none} |"
        if (self.first + self.second > 0).sum() > 1:
            yield "\nDo networks predict which of the two labels people choose?\n"
            yield prediction_table(predictions_by(self.first, self.second, self.shares, self.names))
        yield f"\n## When does it switch: {len(self.marks):,} marks\n"
        if len(self.marks) > 1:
            steps = np.array([vote.step for vote in self.marks], float)
            yield "| judge | steps that people switch later | rank correlation |\n|---|---:|---:|"
            for name, moments in zip(self.names, self.moments.T, strict=True):
                later, rank = switches(steps, moments)
                yield f"| {name} | {in_words(later, 1)} | {in_words(rank)} |"
            later, rank = switches(steps, self.moments.mean(1))
            yield f"| their mean | {in_words(later, 1)} | {in_words(rank)} |\n"
            yield from self._pairs(steps)

    def _pairs(self, steps: np.ndarray) -> Iterator[str]:
        of: dict[tuple[Any, Any], list[int]] = defaultdict(list)
        for i, vote in enumerate(self.marks):
            recipe = Recipe.from_query(vote.query or "")
            of[recipe.digit, recipe.target].append(i)
        yield "| pair | marks | people switch at | the judges at |\n|---|---:|---:|---:|"
        for (a, b), here in sorted(of.items(), key=lambda item: -len(item[1]))[:SHOWN]:
            yield f"| {a}-{b} | {len(here)} | {steps[here].mean():.1f} | {self.moments[here].mean():.1f} |"

    def picture(self) -> bytes:
        """A PNG file: people's shares beside the judges', and people's switching steps beside theirs."""
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(9, 4.4), layout="constrained")
        shares, steps = canvas.subplots(1, 2)
        counted = self.first + self.second > 0
        people = self.second[counted] / np.maximum(self.first + self.second, 1)[counted]
        size = 10 * np.sqrt((self.first + self.second)[counted])
        shares.plot([0, 1], [0, 1], color="grey", linestyle="dashed", linewidth=1)
        shares.scatter(self.shares[counted, 0], people, s=size, alpha=0.5)
        shares.set(xlabel="the judges' share of the second label", ylabel="people's share", title="What is this?")
        marks = [vote.step for vote in self.marks]
        steps.plot([0, 33], [0, 33], color="grey", linestyle="dashed", linewidth=1)
        steps.scatter(self.moments.mean(1) if len(marks) else [], marks, s=12, alpha=0.5)
        steps.set(xlabel="the judges' mean step", ylabel="people's step", title="When does it switch?")
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue()


def _fits(vote: Vote, labels: Sequence[int]) -> bool:
    """Whether a vote's muddle can be made with exemplars of these labels."""
    recipe = None if vote.query is None else Recipe.from_query(vote.query)
    if recipe is None or recipe.source is None:
        return True
    return recipe.source < len(labels) and labels[recipe.source] == recipe.digit


def percents(figure: Figure) -> str:
    """A share with its interval in percent."""
    if figure.value != figure.value:
        return "–"
    return f"{100 * figure.value:.0f} % ({100 * figure.low:.0f} to {100 * figure.high:.0f})"
