import pytest
import torch

from muddle.recipe import Recipe
from muddle.search.draws import GIVEN, PARTNERS, draw


def same(one, other):
    """Whether two draws are equal in every column."""
    columns = ((*draws[:6], *draws.goal) for draws in (one, other))
    return all(a.equal(b) for a, b in zip(*columns, strict=True))


def test_what_is_drawn_are_real_images_of_digit_and_target_with_their_codes(muddler):
    exemplars = muddler.bundle.exemplars
    draws = draw(muddler.bundle, [Recipe(digit=3, target=5, seed=1), Recipe(digit=8, target=0, seed=2)])
    assert exemplars.labels[draws.source_index].tolist() == draws.goal.digit.tolist() == [3, 8]
    assert draws.partner_index.shape == (2, PARTNERS)
    assert (exemplars.labels[draws.partner_index] == draws.goal.target[:, None]).all()
    assert draws.goal.target.tolist() == [5, 0]
    assert all(len(row.unique()) == PARTNERS for row in draws.partner_index)
    assert draws.source.equal(exemplars.codes[draws.source_index])
    assert draws.partners.equal(exemplars.codes[draws.partner_index])
    assert (draws.source_image[:, 0] * 255).round().byte().equal(exemplars.images[draws.source_index])
    assert (draws.partner_image[:, 0] * 255).round().byte().equal(exemplars.images[draws.partner_index[:, 0]])


def test_a_row_depends_on_its_own_recipe_alone(muddler):
    recipes = [Recipe(digit=d, target=t, seed=s, balance=0.1 * s) for d, t, s in ((4, 9, 7), (1, None, 3), (6, 0, 7))]
    together = draw(muddler.bundle, recipes)
    for i, recipe in enumerate(recipes):
        assert same(draw(muddler.bundle, [recipe]), together.rows(torch.tensor([i])))
    assert same(draw(muddler.bundle, recipes[::-1]), together.rows(torch.tensor([2, 1, 0])))


def test_the_source_is_drawn_first_whatever_the_target(muddler):
    draws = draw(muddler.bundle, [Recipe(digit=4, target=target, seed=7) for target in (None, 9, 0)])
    assert len(set(draws.source_index.tolist())) == 1


def test_a_given_source_or_image_leaves_the_partners_as_they_were(muddler):
    image = muddler.bundle.exemplars.images[0].numpy()
    drawn, chosen, given = (
        draw(muddler.bundle, [Recipe(digit=4, target=9, seed=7, **more)])
        for more in ({}, {"source": 1020}, {"image": image})
    )
    assert drawn.partner_index.equal(chosen.partner_index)
    assert chosen.source_index.item() == 1020
    assert given.source_index.item() == GIVEN
    assert (given.source_image[0, 0] * 255).round().byte().equal(muddler.bundle.exemplars.images[0])
    torch.testing.assert_close(
        given.source, muddler.bundle.exemplars.codes[[0]], atol=0.02, rtol=0
    )  # stored as float16


@pytest.mark.parametrize("digit", [0, 7])
def test_every_exemplar_of_a_digit_may_be_drawn(muddler, digit):
    own = muddler.bundle.exemplars.indices_of(digit)
    draws = draw(muddler.bundle, [Recipe(digit=digit, target=(digit + 1) % 10, seed=seed) for seed in range(300)])
    places = torch.searchsorted(own, draws.source_index)
    assert own[places].equal(draws.source_index)
    assert (5 * places // len(own)).bincount(minlength=5).min() > 30  # 60 are expected in each fifth


def test_a_target_that_is_left_out_has_the_centroid_nearest_to_the_source(muddler):
    recipes = [Recipe(digit=digit, seed=seed) for digit in range(10) for seed in range(8)]
    draws = draw(muddler.bundle, recipes)
    distances = torch.cdist(draws.source, muddler.bundle.centroids)
    distances[torch.arange(80), draws.goal.digit] = torch.inf
    assert draws.goal.target.equal(distances.argmin(1))
    targets = draws.goal.target.unflatten(0, (10, 8))
    assert max(len(row.unique()) for row in targets) > 1, "found from the image, so it differs from draw to draw"
