"""Votes of made-up visitors."""

import numpy as np

from muddle.votes.vote import Vote

DAY, VERSION = "2026-11-30", "4-0123456"


def session(number):
    return f"{number:032x}"


def query(digit=4, target=9, seed=0):
    return f"?digit={digit}&target={target}&seed={seed}&strategy=balanced&steps=11"


def guess(who=0, answer=4, about=None, seconds=1.5, version=VERSION):
    """A guess, at a muddle's query or at a real image by its number."""
    name = {"real": about} if isinstance(about, int) else {"query": about or query()}
    return Vote(kind="guess", answer=answer, seconds=seconds, day=DAY, session=session(who), version=version, **name)


def switch(who=0, step=17, about=None, version=VERSION):
    return Vote(kind="switch", step=step, query=about or query(), day=DAY, session=session(who), version=version)


def drawn(shares, votes, generator):
    """How many of some voters choose each of the two labels, where a share of all people chooses the second."""
    second = generator.binomial(votes, shares)
    return votes - second, second


def entropy_nats(share):
    return -(share * np.log(share) + (1 - share) * np.log(1 - share))
