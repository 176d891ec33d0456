"""The atlas, in a real browser."""

import base64
import json

import numpy as np
import pytest
import torch
from support.browser import CANVAS, RESULT, address_fields, another_muddle, pixels, settle, shown

from muddle.search.atlas import COAST, grid, on_land
from muddle.ui import asset

MAP, HERE = f"{RESULT} .map", f"{RESULT} .here"


@pytest.fixture
def atlas(visit):
    """Opens the page with the atlas in view, and its first tiles decoded."""

    def go(query="", **options):
        page = visit(query, **options)
        page.locator(MAP).scroll_into_view_if_needed()
        page.wait_for_selector(f"{RESULT} .latent-map[data-whole=true]", timeout=60_000)
        return page

    return go


def point(page, place):
    """Move the mouse to a place of the whole map, and wait until it has been looked at."""
    box = page.locator(MAP).bounding_box()
    x, y = (float(p) for p in place)
    page.mouse.move(box["x"] + box["width"] * (1 + x) / 2, box["y"] + box["height"] * (1 - y) / 2)
    near = """([x, y]) => {
      const [a, b] = (document.querySelector('#result .latent-map').dataset.at ?? '9,9').split(',').map(Number);
      return Math.hypot(a - x, b - y) < 0.01;
    }"""
    page.wait_for_function(near, arg=[x, y])


def sorted_by_doubt(muddler):
    """Places on land, the surest first, with the two likeliest digits by the surrogate."""
    places = grid(40)
    places = places[on_land(muddler.bundle, places)]
    codes = muddler.bundle.inverse(places)
    top = muddler.bundle.surrogate(codes).logits.softmax(-1).mean(-2).topk(2)
    order = top.values[:, 1].argsort()
    return places[order].numpy(), top.indices[order].numpy()


def test_the_browsers_networks_say_what_pythons_do(opening, app, muddler):
    bundle = muddler.bundle
    generator = torch.Generator().manual_seed(0)
    codes = torch.lerp(
        bundle.exemplars.codes[:500], bundle.exemplars.codes[-500:], torch.rand(500, 1, generator=generator).double()
    )
    points = json.loads(opening.request.get(f"{app}/map.json").text())
    script = """async ([script, weights, codes]) => {
      const { networks, mean } = await import(script);
      const nets = networks(await (await fetch(weights)).arrayBuffer());
      return codes.map((code) => {
        const place = nets.project(code);
        const image = btoa(String.fromCharCode(...nets.decode(code)));
        return { image, shares: mean(nets.opinions(code)), place, back: [...nets.codeAt(place)] };
      });
    }"""
    found = opening.evaluate(script, [f"{app}/{asset('nets.js')}", f"{app}/{points['networks']}", codes.tolist()])
    images = np.stack([np.frombuffer(base64.b64decode(one["image"]), np.uint8) for one in found]).astype(int)
    decoded = bundle.autoencoder.decode(codes).flatten(1).numpy() * 255
    assert np.abs(images - decoded).max() <= 1
    shares = bundle.surrogate(codes).logits.softmax(-1).mean(-2).numpy()
    assert np.abs(np.array([one["shares"] for one in found]) - shares).max() < 0.01
    places = bundle.projection(codes)
    assert np.abs(np.array([one["place"] for one in found]) - places.numpy()).max() < 0.005
    assert np.abs(np.array([one["back"] for one in found]) - bundle.inverse(places).numpy()).max() < 0.05


def test_a_digit_is_seen_under_the_pointer_without_a_request_and_the_sea_has_none(atlas, muddler):
    page = atlas()
    places, pairs = sorted_by_doubt(muddler)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    seen = []
    for i in (0, 200, 400):
        point(page, places[i])
        seen.append(pixels(page, f"{HERE} .live"))
        expected = muddler.bundle.autoencoder.decode(muddler.bundle.inverse(torch.from_numpy(places[i : i + 1])))
        assert np.abs(np.array(seen[-1]) - 255 * expected.flatten().numpy()).mean() < 6  # a pixel of the page beside it
        assert page.locator(f"{HERE} .jury li").count() == 10
        assert f" {pairs[i][0]}" in page.inner_text(f"{HERE} .status").replace("\xa0", " ")
    point(page, (-0.97, 0.97))
    assert "The sea" in page.inner_text(f"{HERE} .status")
    assert page.locator(f"{HERE} .jury").is_hidden()
    assert not [url for url in requests if "heartbeat" not in url]


def test_a_click_starts_from_there_and_on_a_border_from_both_of_its_digits(atlas, muddler):
    page = atlas()
    places, pairs = sorted_by_doubt(muddler)
    for i in (0, -1):
        point(page, places[i])
        with another_muddle(page):
            page.mouse.down()
            page.mouse.up()
        bundle = muddler.bundle
        source = bundle.exemplars.codes[[int(shown(page)["source"])]]
        assert (bundle.projection(source) - torch.from_numpy(places[i])).norm() < 3 * COAST
        assert int(shown(page)["digit"]) == pairs[i][0]
        if i:
            assert int(shown(page)["target"]) == pairs[i][1]
        assert address_fields(page) == shown(page)
        page.get_by_text("Taken: the muddle above starts from this").wait_for()


def test_it_can_be_walked_and_zoomed_with_the_keyboard(atlas):
    page = atlas("/?digit=4&target=9&seed=7")
    page.focus(MAP)
    before = page.eval_on_selector(MAP, "c => c.toDataURL()")
    for key in ("+", "+", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.wait_for_function(
        "() => document.querySelector('#result .latent-map').dataset.whole === 'true'", timeout=60_000
    )
    page.wait_for_function("before => document.querySelector('#result .map').toDataURL() !== before", arg=before)
    page.keyboard.press("ArrowRight")
    page.get_by_text("press Enter").wait_for()
    with another_muddle(page):
        page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("document.activeElement.className") == "map"  # and one can go on from there
    page.get_by_role("button", name="The whole map").click()


def test_without_a_worker_it_still_works(atlas, muddler):
    page = atlas(prepare=lambda page: page.add_init_script("delete window.Worker"))
    places, _ = sorted_by_doubt(muddler)
    point(page, places[0])
    assert max(pixels(page, f"{HERE} .live")) > 200


def test_networks_that_do_not_come_leave_a_sentence_and_a_button(visit, expected):
    expected += ["503"]
    page = visit(prepare=lambda page: page.route("**/networks.safetensors*", lambda route: route.fulfill(status=503)))
    page.locator(MAP).scroll_into_view_if_needed()
    page.get_by_text("The map did not come.").wait_for()
    page.unroute("**/networks.safetensors*")
    page.locator(HERE).get_by_role("button", name="Try again").click()
    page.wait_for_selector(f"{RESULT} .latent-map[data-whole=true]", timeout=60_000)
    assert max(pixels(page, CANVAS["muddle"])) > 200
