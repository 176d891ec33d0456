"""What the page's own scripts ask for: plain addresses below /page/, each answered in JSON.

Nothing is held of a visitor but an answer that they agreed to, so visitors share nothing. Errors are raised as
MuddleError, which http.on_muddle_error answers as a sentence with a code.
"""

import asyncio
import datetime
import os
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import numpy as np
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from muddle.errors import RequestError
from muddle.export.report_table import result_rows
from muddle.export.serialize import describe_bundle, for_page, to_base64
from muddle.images.codecs import from_base64
from muddle.images.preprocess import prepare
from muddle.recipe import PARAMETERS, VERSION, Recipe
from muddle.result import Muddle
from muddle.ui import OPENING
from muddle.ui.http import PAGE, client_of, parse_json
from muddle.ui.networks import CACHED, Networks
from muddle.votes.store import VoteStore
from muddle.votes.vote import QUERY_CHARACTERS, Vote, muddle_id

HARDEST = (  # digit, target and seed of muddles that tip to the eye too: chosen by it among 150, of ALGORITHM 6
    (2, 8, 2003), (3, 5, 2001), (4, 9, 1134), (7, 1, 2000), (3, 2, 2003), (5, 6, 2002),
    (3, 8, 2001), (7, 9, 2002), (0, 6, 2003), (2, 7, 2005), (8, 5, 2003), (9, 4, 2004),
)  # fmt: skip
TABLE_SEED = 7  # of the table of all pairs that is there at once
NO_STORE = {"Cache-Control": "no-store"}

Answer = Callable[[Request], Awaitable[dict[str, Any]]]


def page_routes(networks: Networks, votes: VoteStore | None = None) -> list[Route]:
    """The addresses, each the name of a method of PageData."""
    data = PageData(networks, votes)
    get = (data.muddle, data.hardest, data.table, data.row, data.riddle, data.example, data.about, data.said)
    return [*(_route(work, "GET") for work in get), *(_route(work, "POST") for work in (data.reading, data.vote))]


def _route(work: Answer, method: str) -> Route:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(await work(request), headers=NO_STORE)

    return Route(
        PAGE + getattr(work, "__name__", ""), answer, methods=[method], middleware=[Middleware(GZipMiddleware)]
    )


class PageData:
    """The answers, from the networks of one bundle. What is the same for everybody is remembered."""

    def __init__(self, networks: Networks, votes: VoteStore | None = None):
        self._networks, self._votes = networks, votes
        self._muddles: dict[str, dict[str, Any]] = {}  # by query; the oldest goes first
        self._rows: dict[int, dict[str, Any]] = {}  # of TABLE_SEED, by digit
        self._hardest: list[dict[str, Any]] = []

    async def muddle(self, request: Request) -> dict[str, Any]:
        """Everything that is shown of the muddle of a link's query."""
        client = client_of(request)
        muddle = await self._networks.muddle(Recipe.from_query(request.url.query), client)
        if muddle.query not in self._muddles:
            morph = await self._networks.morph(np.stack([muddle.codes[0], muddle.code, muddle.codes[-1]]), client)
            self._muddles[muddle.query] = for_page(muddle, morph)
            while len(self._muddles) > CACHED:
                del self._muddles[next(iter(self._muddles))]
        self._show(muddle)
        return self._muddles[muddle.query]

    async def hardest(self, request: Request) -> dict[str, Any]:
        """The muddles of HARDEST, or, once there are as many, those on which people split most evenly."""
        if self._votes and len(about := self._votes.hardest(len(HARDEST))) == len(HARDEST):
            recipes = [replace(Recipe.from_query(query), steps=2) for query in about]
            muddles = await self._networks.muddles(recipes, client_of(request))
            return {"muddles": [_card(m) for m in muddles], "by_people": True}
        if not self._hardest:
            recipes = [Recipe(digit=digit, target=target, seed=seed, steps=2) for digit, target, seed in HARDEST]
            muddles = await self._networks.muddles(recipes, client_of(request))
            self._hardest = [_card(m) for m in muddles]
        return {"muddles": self._hardest}

    async def table(self, request: Request) -> dict[str, Any]:
        """All pairs, with TABLE_SEED."""
        rows = [self._table_row(digit, client_of(request)) for digit in range(10)]
        return {"seed": TABLE_SEED, "rows": await asyncio.gather(*rows)}

    async def row(self, request: Request) -> dict[str, Any]:
        """A row of such a table, for `digit` and `seed`: the source and nine muddles."""
        given = request.query_params
        digit, seed = (PARAMETERS[name].parse(name, given.get(name, "")) for name in ("digit", "seed"))
        return await self._row(digit, seed, client_of(request))

    async def riddle(self, request: Request) -> dict[str, Any]:
        """A digit to guess, with how many judges take it for each digit, from 0 to 9.

        A muddle of two digits, each pair as likely, or with `real` a real image, which has neither target nor seed.
        """
        client = client_of(request)
        if "real" in request.query_params:
            facts = await self._networks.facts()
            i = random.randrange(len(facts.labels))
            image = facts.exemplars[i]
            about: dict[str, Any] = {"digit": int(facts.labels[i]), "target": None, "seed": None, "about": f"real:{i}"}
            if self._votes:
                self._votes.show(about["about"])
            card, opinions = {**about, "pixels": to_base64(image)}, await self._networks.judge_each(image, client)
        else:
            (digit, target), seed = random.sample(range(10), 2), random.randrange(1_000_000)
            m = await self._networks.muddle(Recipe(digit=digit, target=target, seed=seed, steps=2), client)
            card, opinions = {**_card(m), "about": m.query}, m.judge_soft_labels
            self._show(m)
        return {**card, "votes": np.bincount(opinions.argmax(1), minlength=10).tolist()}

    async def example(self, _: Request) -> dict[str, Any]:
        """A real digit, for those who cannot draw."""
        facts = await self._networks.facts()
        return {"pixels": to_base64(facts.exemplars[random.randrange(len(facts.labels))])}

    async def reading(self, request: Request) -> dict[str, Any]:
        """A picture in base64 as the network sees it, and how sure the judges are of what they read in it.

        image: as a link has it. order: all digits, first the one that is read, then the most similar.
        """
        image = await self._networks.in_thread(_prepared, parse_json(await request.body()))
        client = client_of(request)
        probabilities = await self._networks.judge(image, client)
        digit = int(probabilities.argmax())
        others = [d for d in (await self._networks.nearest_digits(image, client)).tolist() if d != digit]
        return {
            "image": PARAMETERS["image"].format(image),
            "pixels": to_base64(image),
            "order": [digit, *others],
            "share": float(probabilities[digit]),
        }

    async def about(self, request: Request) -> dict[str, Any]:
        """The opening's three images, how good muddles were measured to be, the bundle, and the Space, if it is one."""
        facts = await self._networks.facts()
        m = await self._networks.muddle(OPENING, client_of(request))
        return {
            "strip": to_base64(np.stack([m.source, m.image, m.partner])),
            "results": result_rows(facts.report),
            "bundle": describe_bundle(facts),
            "space": os.environ.get("SPACE_ID"),
        }

    async def said(self, request: Request) -> dict[str, Any]:
        """What people said of `about`: a muddle's query or a real image; `kept` is whether answers are kept here."""
        return self._said(await self._about(request.query_params.get("about", "")))

    async def vote(self, request: Request) -> dict[str, Any]:
        """Keep an answer of a visitor who agreed, and say what people said."""
        given = parse_json(await request.body())
        if self._votes is None:
            raise RequestError("no-votes", "Answers are not kept here.", 404)
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise RequestError("bad-vote", "A vote is application/json, which no other site can send unasked.", 415)
        if not isinstance(given, dict) or not set(given) <= {"about", "kind", "step", "answer", "seconds", "session"}:
            raise RequestError("bad-vote", "A vote has about, kind, session, and step, or answer and seconds.")
        about, version = await self._about(given.pop("about", "")), (await self._networks.facts()).version
        name = {"real": int(about.removeprefix("real:"))} if about.startswith("real:") else {"query": about}
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        vote = Vote(**{"kind": None, "session": None, **given}, **name, version=version, day=day)
        await asyncio.to_thread(self._votes.add, vote, client_of(request))
        return self._said(about)

    async def _about(self, text: Any) -> str:
        """What a vote is about, by its one name. Raises ArgumentError, and RequestError for another version."""
        if not isinstance(text, str):
            raise RequestError("bad-vote", "A vote is about a muddle's query, or real: and a number.")
        if re.fullmatch("real:[0-9]{1,6}", text, re.ASCII):
            return f"real:{int(text.removeprefix('real:'))}"
        versions = parse_qs(text.removeprefix("?")[:QUERY_CHARACTERS]).get(VERSION, [])
        if set(versions) - {(await self._networks.facts()).version}:
            raise RequestError("other-version", "This server has other weights than that muddle was made with.", 409)
        return muddle_id(text)

    def _said(self, about: str) -> dict[str, Any]:
        return {"kept": True, **self._votes.said(about)} if self._votes else {"kept": False}

    def _show(self, m: Muddle) -> None:
        """Remember what visitors may vote on: a drawing is not kept."""
        if self._votes and m.recipe.image is None:
            self._votes.show(muddle_id(m.recipe))

    async def _table_row(self, digit: int, client: str) -> dict[str, Any]:
        if digit not in self._rows:
            self._rows[digit] = await self._row(digit, TABLE_SEED, client)
        return self._rows[digit]

    async def _row(self, digit: int, seed: int, client: str) -> dict[str, Any]:
        recipes = [Recipe(digit=digit, target=target, seed=seed, steps=2) for target in range(10) if target != digit]
        muddles: Sequence[Muddle] = await self._networks.muddles(recipes, client)
        shares = [{"p_digit": round(m.scores.p_digit, 4), "p_target": round(m.scores.p_target, 4)} for m in muddles]
        cells = [{**_card(m), **share} for m, share in zip(muddles, shares, strict=True)]
        return {"source": to_base64(muddles[0].source), "cells": cells}


def _card(m: Muddle) -> dict[str, Any]:
    """A muddle's picture, and what opens it."""
    return {"digit": m.digit, "target": m.target, "seed": m.seed, "pixels": to_base64(m.image)}


def _prepared(picture: Any) -> np.ndarray:
    return prepare(from_base64(picture))
