"""Keep votes: a file of JSON lines in a folder, which may be committed to the Hub, and what is known of each muddle."""

import contextlib
import datetime
import logging
import os
import re
import secrets
import tempfile
import threading
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from muddle.errors import DataError, RequestError
from muddle.export.citation import bibtex
from muddle.storage import write_whole
from muddle.votes.hub import Uploads, fetch_votes
from muddle.votes.read import DATA, votes_of_folder
from muddle.votes.vote import Vote

VARIABLE = "MUDDLE_VOTES"  # USER/NAME on the Hub, or a folder; unset: nothing is kept
HOURLY = 120  # votes of a session or a client
KNOWN = 100_000  # things that were shown, sessions and clients that are remembered
CLOSING = 20.0  # seconds that the last commit may take
ENOUGH = 5  # votes on a muddle that count for the gallery
log = logging.getLogger(__name__)


class VoteStore:
    """The votes of one server and those that were there before it."""

    def __init__(self, folder: Path, known: Iterable[Vote] = (), uploads: Uploads | None = None):
        day = datetime.datetime.now(datetime.UTC).date()
        self._file = folder / DATA / f"votes-{day}-{secrets.token_hex(4)}.jsonl"
        self._uploads, self._lock = uploads, threading.Lock()
        self._guesses: dict[str, Counter[str]] = defaultdict(Counter)
        self._steps: dict[str, list[int]] = defaultdict(list)
        self._said: set[tuple[str, str, str]] = set()
        self._shown: OrderedDict[str, None] = OrderedDict()
        self._lately: OrderedDict[str, deque[float]] = OrderedDict()
        self._torn = False
        for vote in known:
            self._count(vote)

    def show(self, about: str) -> None:
        """Remember that something is shown: votes on anything else are refused."""
        with self._lock:
            _remember(self._shown, about, None)

    def add(self, vote: Vote, client: str) -> bool:
        """Keep a vote; False where the disk is full. `client` is for the hourly limit and goes nowhere.

        Raises RequestError for a vote on what was not shown, a second one, and for too many in an hour.
        """
        with self._lock:
            if vote.about not in self._shown:
                raise RequestError("not-shown", "This server has not shown that.", 409)
            if (vote.session, vote.kind, vote.about) in self._said:
                raise RequestError("said-before", "You have said that before.", 409)
            lately = {who: self._within_an_hour(who) for who in (vote.session, client)}
            if any(len(times) >= HOURLY for times in lately.values()):
                raise RequestError("too-many", f"At most {HOURLY} answers are kept in an hour.", 429)
            if not self._append(vote.to_line()):
                return False
            for who, times in lately.items():
                _remember(self._lately, who, deque([*times, time.monotonic()]))
            self._count(vote)
            return True

    def said(self, about: str) -> dict[str, Any]:
        """What people said of something: for each answer how many, and their steps."""
        with self._lock:
            return {"guesses": dict(self._guesses.get(about, {})), "steps": sorted(self._steps.get(about, []))}

    def hardest(self, count: int) -> list[str]:
        """The balanced muddles that split people most evenly, of those with ENOUGH votes and a third for each label."""
        with self._lock:
            guesses = {about: Counter(answers) for about, answers in self._guesses.items()}
        split = {}
        for about, answers in guesses.items():
            labels = re.fullmatch(r"\?digit=(\d)&target=(\d)&seed=\d+&strategy=balanced&steps=\d+", about)
            total = sum(answers.values())
            if labels and total >= ENOUGH and (least := min(answers[label] for label in labels.groups())) * 3 >= total:
                split[about] = least / total
        return sorted(split, key=lambda about: split[about], reverse=True)[:count]

    def close(self) -> None:
        """Commit what is not committed yet."""
        if self._uploads and not self._uploads.close(CLOSING):
            log.warning("the last votes could not be committed")

    def _within_an_hour(self, who: str) -> list[float]:
        """When a session or a client has voted, in the last hour."""
        return [then for then in self._lately.get(who, ()) if then > time.monotonic() - 3600]

    def _append(self, line: str) -> bool:
        """Write a line at the file's end. After a failure the next one begins anew."""
        with self._uploads.lock if self._uploads else contextlib.nullcontext():
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with open(self._file, "a", encoding="utf-8") as file:
                    file.write(f"\n{line}\n" if self._torn else f"{line}\n")
                self._torn = False
                return True
            except OSError as error:
                self._torn = True
                log.warning("a vote could not be written (%s)", error.strerror)
                return False

    def _count(self, vote: Vote) -> None:
        self._said.add((vote.session, vote.kind, vote.about))
        if vote.kind == "switch":
            self._steps[vote.about].append(vote.step)
        else:
            self._guesses[vote.about]["none" if vote.answer is None else str(vote.answer)] += 1


def open_store(place: str | None) -> VoteStore | None:
    """The store of a place, USER/NAME on the Hub or a folder; None for none. Raises DataError for a wrong folder."""
    if not place:
        return None
    if is_repository(place):
        folder = Path(tempfile.mkdtemp(prefix="muddle-votes-"))
        known: list[Vote] = []
        with contextlib.suppress(DataError):  # a new one, or the Hub is away: the counts begin anew
            known = votes_of_folder(fetch_votes(place, CLOSING))
        _write_card(folder)
        return VoteStore(folder, known, Uploads(place, folder))
    folder = Path(place).expanduser()
    try:
        (folder / DATA).mkdir(parents=True, exist_ok=True)
        _write_card(folder)
    except OSError as error:
        raise DataError(f"{folder}: votes cannot be kept there ({error.strerror}).") from error
    return VoteStore(folder, votes_of_folder(folder))


def is_repository(place: str) -> bool:
    """Whether a place is USER/NAME, and no folder."""
    named = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", place, re.ASCII)
    return named is not None and not os.path.isdir(place)


def _write_card(folder: Path) -> None:
    if not (folder / "README.md").exists():
        write_whole(folder / "README.md", CARD.encode())


def _remember(known: OrderedDict, key: str, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > KNOWN:
        known.popitem(last=False)


CARD = f"""---
license: cc-by-4.0
pretty_name: What people see in MNIST muddles
task_categories: [image-classification]
annotations_creators: [crowdsourced]
source_datasets: [ylecun/mnist]
tags: [mnist, ambiguity, human-labels, uncertainty]
configs:
- config_name: default
  data_files: data/*.jsonl
dataset_info:
  features:
  - {{name: kind, dtype: string}}
  - {{name: query, dtype: string}}
  - {{name: real, dtype: int64}}
  - {{name: version, dtype: string}}
  - {{name: step, dtype: int64}}
  - {{name: answer, dtype: int64}}
  - {{name: seconds, dtype: float64}}
  - {{name: day, dtype: "timestamp[s]"}}
  - {{name: session, dtype: string}}
---

# What people see in MNIST muddles

Visitors of a Space of MNIST Muddle were asked two things of digits that lie between two labels, and agreed that their
answers are kept: *when does this become the other digit* (`kind` switch), and *what is this* (`kind` guess). Whoever
came could answer: neither age, nor language, nor eyesight is known, and nobody was paid.

| column | |
|---|---|
| `query`, `version` | the muddle: its recipe, and algorithm and weights, which give its image again |
| `real` | or the exemplar of the bundle that was shown: a plain real digit, as an attention check |
| `step` | of a switch, 0 to 33: from which step of the morph on it was the other digit; 33: never |
| `answer`, `seconds` | of a guess: the digit, null for "no digit", and how long it took |
| `day`, `session` | the day, and a random number of one visit; nothing else is known of anybody |

`muddle votes USER/NAME` reads it: it drops sessions of nonsense and says how many, and measures how well networks
predict people.

```bibtex
{bibtex()}
```
"""
