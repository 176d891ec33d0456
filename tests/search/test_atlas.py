import numpy as np
import torch

from muddle.images.palette import BORDER, COUNTRIES, GOLD, SEA, tinted
from muddle.search.atlas import grid, mosaic, on_land


def test_a_grid_goes_in_rows_from_the_top_left_and_reaches_all_edges():
    places = grid(5).reshape(5, 5, 2)
    assert (places[0, 0, 0] == -places[0, -1, 0]).all()
    assert (places[0, :, 1] > places[-1, :, 1]).all()
    assert 1 < places.abs().amax() < 1.08


def test_where_a_real_image_lies_there_is_land_and_in_the_corners_the_sea(muddler):
    bundle = muddler.bundle
    assert on_land(bundle, bundle.projection(bundle.exemplars.codes[:50])).all()
    corners = torch.tensor([[x, y] for x in (-1.0, 1.0) for y in (-1.0, 1.0)], dtype=torch.float64)
    assert not on_land(bundle, corners).any()


def test_the_way_back_leads_to_digits_at_their_places(muddler):
    bundle, places = muddler.bundle, grid(20)
    places = places[on_land(bundle, places)]
    codes = bundle.inverse(places)
    assert (bundle.projection(codes) - places).norm(dim=1).mean() < 0.04
    near = torch.cdist(places, bundle.projection(bundle.exemplars.codes)).argmin(1)
    read = bundle.surrogate(codes).teachers.softmax(-1).mean(-2).argmax(-1)
    assert (read == bundle.exemplars.labels[near]).double().mean() > 0.75  # the rest lies at borders


def test_the_report_has_the_atlas_and_its_borders_are_borders_to_the_judges(muddler):
    figures = muddler.bundle.report["atlas"]
    assert figures["likely_digit"] >= 0.98
    assert figures["grey_share"] <= 0.52
    assert figures["border_judged"] >= 0.8


def test_the_mosaic_has_countries_borders_and_the_sea(muddler):
    picture = mosaic(muddler.bundle, 20)
    assert picture.shape == (560, 560, 3)
    assert (picture[0, 0] == SEA).all()
    papers = {tuple(picture[28 * i, 28 * j]) for i in range(20) for j in range(20)}
    for country in COUNTRIES:
        assert any(np.abs(np.array(paper) - 0.2 * np.array(country)).max() < 4 for paper in papers)
    assert any(red > 130 > 2 * blue for red, _, blue in (map(int, paper) for paper in papers))  # gold


def test_ink_is_light_in_a_country_and_black_on_a_border():
    tiles = np.zeros((2, 28, 28), np.uint8)
    tiles[:, 5] = 255
    inland, border = tinted(tiles, np.array([0, 0]), np.array([BORDER - 0.01, 0.5]))
    assert inland[5, 0].min() > 150 > 60 > inland[0, 0].max()
    assert (border[5, 0] == 0).all()
    np.testing.assert_allclose(border[0, 0], 0.75 * np.array(GOLD), atol=1)
