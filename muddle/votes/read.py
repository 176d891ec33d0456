"""Read votes, and tell visits that meant it from nonsense."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from muddle.errors import DataError
from muddle.votes.vote import Vote, from_line

DATA = "data"
CHECKS = 2  # attention checks from which on their result counts
MANY = 12  # guesses of a session that make a habit
HASTE = 0.4  # seconds: nobody looks, decides and taps in less, time and again
CROWD = 300  # votes of a session: more than anybody gives in a visit


class Visits(NamedTuple):
    """Votes of the visits that count, and for each other session why it does not."""

    votes: list[Vote]
    dropped: dict[str, str]
    doubles: int  # votes that repeated one of the same session
    checks: tuple[int, int]  # attention checks: passed, and all


def read_votes(source: str | Path) -> list[Vote]:
    """All votes of a folder, or of a data set on the Hub, in the order of their files. Raises DataError."""
    from muddle.votes.hub import fetch_votes

    folder = Path(source)
    if not folder.is_dir():
        if str(source).count("/") != 1:
            raise DataError(f"{source}: there is no such folder, and no data set on the Hub has such a name.")
        folder = fetch_votes(str(source))
    votes = votes_of_folder(folder)
    if not votes:
        raise DataError(f"{source}: there are no votes.")
    return votes


def votes_of_folder(folder: Path) -> list[Vote]:
    """The votes of a folder; lines that are none are passed over."""
    lines = (line for path in sorted((folder / DATA).glob("*.jsonl")) for line in _lines(path))
    return [vote for vote in map(from_line, lines) if vote]


def sort_out(votes: Iterable[Vote], labels: Sequence[int]) -> Visits:
    """Drop repetitions, and the sessions that are nonsense. labels: of the exemplars, for the attention checks."""
    sessions: dict[str, dict[tuple[str, str], Vote]] = defaultdict(dict)
    doubles = 0
    for vote in votes:
        key = (vote.kind, vote.about)
        doubles += key in sessions[vote.session]
        sessions[vote.session].setdefault(key, vote)
    kept, dropped, passed, checked = [], {}, 0, 0
    for session, known in sessions.items():
        own = list(known.values())
        checks = [vote.answer == labels[vote.real] for vote in own if vote.real is not None and vote.real < len(labels)]
        if reason := nonsense(own, checks):
            dropped[session] = reason
        else:
            kept += own
            passed += sum(checks)
            checked += len(checks)
    return Visits(kept, dropped, doubles, (passed, checked))


def nonsense(votes: Sequence[Vote], checks: Sequence[bool]) -> str:
    """Why the votes of one session cannot be meant, or an empty text."""
    guesses = [vote for vote in votes if vote.kind == "guess"]
    if len(votes) > CROWD:
        return f"{len(votes)} votes"
    if len(checks) >= CHECKS and 2 * sum(checks) <= len(checks):
        return f"{sum(checks)} of {len(checks)} attention checks passed"
    if len(guesses) >= MANY:
        _, count = Counter(vote.answer for vote in guesses).most_common(1)[0]
        if count >= 0.8 * len(guesses):
            return f"the same answer to {count} of {len(guesses)}"
        if median(vote.seconds or 0 for vote in guesses) < HASTE:
            return f"half of the answers in less than {HASTE} s"
        if not checks:
            return f"{len(guesses)} guesses, and none of them an attention check"
    steps = [vote.step for vote in votes if vote.kind == "switch"]
    if len(steps) >= MANY and len(set(steps)) == 1:
        return f"the same step {len(steps)} times"
    return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
