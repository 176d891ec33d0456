"""The atlas, in a real browser."""

import base64
import dataclasses
import json

import numpy as np
import pytest
import torch
from support.browser import CANVAS, RESULT, address_fields, another_muddle, pixels, settle, shown

from muddle.bundle.browser import browser_networks
from muddle.images import BLACK
from muddle.networks.autoencoder import Autoencoder, AutoencoderConfig
from muddle.search.atlas import COAST, grid, on_land
from muddle.ui import asset

EXTENT = 1.08  # of the map, as atlas-view.js has it
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
    page.mouse.move(
        box["x"] + box["width"] * (EXTENT + x) / (2 * EXTENT), box["y"] + box["height"] * (EXTENT - y) / (2 * EXTENT)
    )
    arrived(page, (x, y), 0.01)


def arrived(page, place, tolerance):
    """Wait until what is told lies at a place."""
    near = """([x, y, tolerance]) => {
      const [a, b] = (document.querySelector('#result .latent-map').dataset.at ?? '9,9').split(',').map(Number);
      return Math.hypot(a - x, b - y) < tolerance;
    }"""
    page.wait_for_function(near, arg=[*place, tolerance])


def sorted_by_doubt(muddler):
    """Places on land, the surest first, with the two likeliest digits by the surrogate."""
    places = grid(40)
    places = places[on_land(muddler.bundle, places)]
    codes = muddler.bundle.inverse(places)
    top = muddler.bundle.surrogate(codes).teachers.softmax(-1).mean(-2).topk(2)
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
    border = np.abs(decoded - BLACK) < 1  # where one may have it black
    assert np.abs(images - np.where(decoded < BLACK - 0.5, 0, decoded))[~border].max() <= 1
    assert not ((images > 0) & (images < BLACK)).any()
    shares = bundle.surrogate(codes).teachers.softmax(-1).mean(-2).numpy()
    assert np.abs(np.array([one["shares"] for one in found]) - shares).max() < 0.01
    places = bundle.projection(codes)
    assert np.abs(np.array([one["place"] for one in found]) - places.numpy()).max() < 0.005
    assert np.abs(np.array([one["back"] for one in found]) - bundle.inverse(places).numpy()).max() < 0.05


def test_the_browser_decodes_with_any_number_of_channels(opening, app, muddler):
    torch.manual_seed(0)
    odd = Autoencoder(AutoencoderConfig(channels=(3, 5, 6, 7))).double().eval()
    weights = base64.b64encode(browser_networks(dataclasses.replace(muddler.bundle, autoencoder=odd))).decode()
    script = """async ([script, weights, code]) => {
      const { networks } = await import(script);
      return [...networks(Uint8Array.from(atob(weights), (c) => c.charCodeAt(0)).buffer).decode(code)];
    }"""
    code = muddler.bundle.exemplars.codes[:1]
    found = opening.evaluate(script, [f"{app}/{asset('nets.js')}", weights, code[0].tolist()])
    with torch.no_grad():
        assert np.abs(np.array(found) - 255 * odd.decode(code).flatten().numpy()).max() < 1


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
        if i:  # where both are as likely, whichever the browser's arithmetic has first
            assert {int(shown(page)["digit"]), int(shown(page)["target"])} == set(pairs[i].tolist())
        else:
            assert int(shown(page)["digit"]) == pairs[i][0]
        assert address_fields(page) == shown(page)
        page.get_by_text("Taken: above, this").wait_for()


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


def test_each_of_the_ten_numbers_can_be_moved_and_has_a_strip(atlas, muddler):
    page = atlas()
    places, _ = sorted_by_doubt(muddler)
    point(page, places[0])
    page.locator(f"{RESULT} .axes summary").click()
    page.wait_for_function("() => document.querySelector('#result .axis-row output')?.textContent")
    rows = page.locator(f"{RESULT} .axis-row")
    assert rows.count() == 10
    assert rows.locator(".axis-name").all_inner_texts() == muddler.bundle.report["atlas"]["axes"]
    before = pixels(page, f"{HERE} .live")
    slider = rows.nth(3).locator("input")
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    value = float(rows.nth(3).locator("output").inner_text())
    code = [float(text) for text in rows.locator("input").evaluate_all("all => all.map((one) => one.value)")]
    assert value == pytest.approx(code[3], abs=0.01)
    arrived(page, muddler.project(np.array([code]))[0].tolist(), 0.03)
    assert pixels(page, f"{HERE} .live") != before
    strip = f"{RESULT} .axis-row:nth-of-type(4) .strip canvas:nth-child(3)"
    while max(pixels(page, strip)) < 200:  # it is drawn once the slider rests
        page.wait_for_timeout(100)


def test_the_tour_has_six_steps_that_can_be_linked_to_and_left(visit, muddler):
    page = visit("/?digit=4&target=9&seed=7&tour=3")
    panel = page.locator(f"{RESULT} .tour-panel")
    panel.get_by_text("3 of 6").wait_for()
    page.wait_for_selector(f"{RESULT} .latent-map[data-whole=true]", timeout=60_000)
    start = page.get_attribute(f"{RESULT} .latent-map", "data-at")
    panel.get_by_role("slider").fill("100")
    page.wait_for_function("at => document.querySelector('#result .latent-map').dataset.at !== at", arg=start)
    assert address_fields(page) == shown(page)
    page.get_by_role("button", name="Next →").click()
    panel.get_by_text("4 of 6").wait_for()
    page.get_by_text("A border, between").wait_for()
    assert "tour=4" in page.url
    page.get_by_role("button", name="Next →").click()
    share = muddler.bundle.report["strategies"]["midpoint"]["split"]["value"]
    assert f"{100 * share:.1f}\u00a0%" in panel.inner_text()
    page.get_by_role("button", name="Next →").click()
    page.get_by_role("button", name="Done").click()
    assert panel.is_hidden()
    assert "tour" not in page.url
    page.get_by_role("button", name="Take the tour").click()
    panel.get_by_text("1 of 6: A code").wait_for()
    assert "the 4 from above into ten numbers" in panel.inner_text()
    page.get_by_role("button", name="Next →").click()
    page.go_back()  # each step is one of the browser's history
    panel.get_by_text("1 of 6: A code").wait_for()
    page.go_back()
    panel.wait_for(state="hidden")
    page.go_back()
    panel.get_by_text("6 of 6").wait_for()
    assert address_fields(page) == shown(page)


def touch(page, kind, *places):
    """A touch event with fingers at these places, in shares of the map's side."""
    box = page.locator(MAP).bounding_box()
    points = [
        {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y, "id": i}
        for i, (x, y) in enumerate(places)
    ]
    page.touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def phone(atlas):
    """The atlas on a phone, in view, with its first tiles."""

    def prepare(page):
        page.touches = page.context.new_cdp_session(page)
        page.touches.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        page.touches.send("Emulation.setDeviceMetricsOverride", size)

    page = atlas("/?digit=4&target=9&seed=7", prepare=prepare)
    page.locator(MAP).evaluate("node => node.scrollIntoView({ block: 'center' })")
    return page


def test_two_fingers_zoom_around_what_lies_between_them(phone):
    seen = "() => document.querySelector('#result .map').toDataURL()"
    before = phone.evaluate(seen)
    touch(phone, "touchStart", (0.4, 0.5))
    touch(phone, "touchStart", (0.4, 0.5), (0.6, 0.5))
    for i in range(1, 5):
        touch(phone, "touchMove", (0.4 - 0.05 * i, 0.5), (0.6 + 0.05 * i, 0.5))
    touch(phone, "touchEnd")
    phone.wait_for_function("before => document.querySelector('#result .map').toDataURL() !== before", arg=before)
    phone.wait_for_selector(f"{RESULT} .latent-map[data-whole=true]", timeout=60_000)
    assert shown(phone)["seed"] == "7"  # a pinch takes nothing


def test_one_finger_looks_a_tap_takes_and_a_swipe_scrolls_the_page(phone, muddler):
    places, _ = sorted_by_doubt(muddler)
    x, y = ((EXTENT + places[0][0]) / (2 * EXTENT), (EXTENT - places[0][1]) / (2 * EXTENT))
    with another_muddle(phone):
        touch(phone, "touchStart", (x, y))
        touch(phone, "touchEnd")
    arrived(phone, places[0], 0.02)
    phone.locator(MAP).evaluate("node => node.scrollIntoView({ block: 'center' })")
    start = phone.evaluate("scrollY")
    touch(phone, "touchStart", (0.5, 0.8))
    for i in range(1, 9):
        touch(phone, "touchMove", (0.5, 0.8 - 0.07 * i))
    touch(phone, "touchEnd")
    phone.wait_for_function("start => scrollY > start + 30", arg=start)
