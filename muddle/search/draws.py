"""The random draws of muddles: source, target and partners, steps 3 to 5 of the author's pipeline."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.bundle.files import Bundle, Exemplars
from muddle.images.pixels import to_unit
from muddle.recipe import Recipe
from muddle.search.latent import nearest_centroid
from muddle.search.objective import Goal

PARTNERS = 64  # that the balanced strategy searches
GIVEN = -1  # in the place of a source's index: a given image


class Draws(NamedTuple):
    """The draws of N muddles, one row each."""

    source: Tensor  # (N, D): the source's code
    source_image: Tensor  # float64 (N, 1, 28, 28)
    source_index: Tensor  # int64 (N,): the exemplar, or GIVEN
    partners: Tensor  # (N, P, D): codes of exemplars of the target; the first is the author's random image b
    partner_image: Tensor  # float64 (N, 1, 28, 28): the image of the first
    partner_index: Tensor  # int64 (N, P): the exemplars
    goal: Goal
    steps: int  # of every path

    def rows(self, index: Tensor) -> "Draws":
        """Some of the draws."""
        columns = (column.rows(index) if isinstance(column, Goal) else column[index] for column in self[:-1])
        return Draws(*columns, self.steps)

    def to(self, device: torch.device) -> "Draws":
        """The same on a device."""
        goal = Goal(*(column.to(device) for column in self.goal))
        return Draws(*(goal if column is self.goal else column.to(device) for column in self[:-1]), self.steps)


def draw(bundle: Bundle, recipes: Sequence[Recipe]) -> Draws:
    """The draws of recipes that name their digits; a row depends on its own recipe alone, but for the steps, which are
    those of the first.

    A source or an image in the recipe takes the place of the exemplar that the seed would draw, and leaves what is
    drawn after it as it was.
    """
    exemplars = bundle.exemplars
    codes, images, sources, partners, targets = [], [], [], [], []
    for recipe in recipes:
        generator = torch.Generator().manual_seed(recipe.seed)
        if recipe.image is None:
            drawn = _draw_source(exemplars, recipe.digit, generator)
            source = drawn if recipe.source is None else recipe.source
            image, code = to_unit(exemplars.images[[source]]), exemplars.codes[[source]]
        else:
            source, image = GIVEN, to_unit(torch.tensor(recipe.image)[None])
            code = bundle.autoencoder.encode(image)
        target = recipe.target
        if target is None:
            target = int(nearest_centroid(code, bundle.centroids, excluding=torch.tensor([recipe.digit])))
        theirs = exemplars.indices_of(target)
        partners.append(theirs[torch.randperm(len(theirs), generator=generator)[:PARTNERS]])
        codes.append(code)
        images.append(image)
        sources.append(source)
        targets.append(target)
    index = torch.stack(partners)
    digits = torch.tensor([recipe.digit for recipe in recipes])
    balances = torch.tensor([recipe.balance for recipe in recipes], dtype=torch.float64)
    return Draws(
        source=torch.cat(codes),
        source_image=torch.cat(images),
        source_index=torch.tensor(sources),
        partners=exemplars.codes[index],
        partner_image=to_unit(exemplars.images[index[:, 0]]),
        partner_index=index,
        goal=Goal.of(digits, torch.tensor(targets), balances),
        steps=recipes[0].steps,
    )


def drawn_source(exemplars: Exemplars, digit: int, seed: int) -> int:
    """The exemplar that a seed draws as the source, by its number."""
    return _draw_source(exemplars, digit, torch.Generator().manual_seed(seed))


def _draw_source(exemplars: Exemplars, digit: int, generator: torch.Generator) -> int:
    own = exemplars.indices_of(digit)
    return int(own[torch.randint(len(own), (), generator=generator)])
