import base64
import gzip
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from support.http import ask
from support.loops import finished, together
from support.worker import FACTS, Worker, idle

from muddle.bundle.browser import browser_networks
from muddle.errors import MuddleError
from muddle.search.atlas import COAST
from muddle.ui import OPENING
from muddle.ui.http import on_muddle_error
from muddle.ui.routes import FILES, HOUR, head_tags, routes

QUERY = "?digit=4&target=9&seed=7"


def get(address):
    status, headers, data = ask(address)
    assert status == 200
    return headers["Content-Type"], data


def picture(data):
    return Image.open(io.BytesIO(data))


# Files.


def test_the_picture_of_a_muddle_has_an_address(app, muddler):
    kind, data = get(f"{app}/muddle.png{QUERY}")
    assert kind == "image/png"
    large = np.array(picture(data))
    assert (large[5::10, 5::10] == muddler.muddle(4, 9, seed=7).image).all()
    assert large.shape == (280, 280)


@pytest.mark.parametrize(("name", "form"), [("muddle.gif", "GIF"), ("muddle.webp", "WEBP")])
def test_the_path_has_one_as_a_loop(app, muddler, name, form):
    kind, data = get(f"{app}/{name}{QUERY}&steps=5")
    movie = picture(data)
    assert kind == f"image/{form.lower()}"
    assert (movie.format, movie.n_frames, movie.info["loop"]) == (form, 8, 0)
    movie.seek(4)
    last = np.array(movie.convert("L"))[5::10, 5::10]
    assert (last == muddler.muddle(4, 9, seed=7, steps=5).frames[4]).all()


def test_the_path_has_one_as_a_strip(app, muddler):
    _, data = get(f"{app}/strip.png{QUERY}&steps=5")
    frames = muddler.muddle(4, 9, seed=7, steps=5).frames
    assert (np.array(picture(data))[2::4, 2::4] == np.concatenate(frames, axis=1)).all()


def test_the_result_has_one_as_json(app, muddler):
    kind, data = get(f"{app}/muddle.json{QUERY}")
    assert kind == "application/json"
    m = muddler.muddle(4, 9, seed=7)
    answer = json.loads(data)
    assert answer["soft_label"] == m.soft_label.tolist()
    assert answer["query"] == f"?digit=4&target=9&seed=7&strategy=balanced&steps=11&v={muddler.version}"
    assert answer["link"] == "/" + answer["query"]


def test_a_balance_has_an_address_too(app, muddler):
    _, data = get(f"{app}/muddle.png{QUERY}&balance=0.3")
    image = muddler.muddle(4, 9, seed=7, balance=0.3).image
    assert (np.array(picture(data))[5::10, 5::10] == image).all()
    assert (image != muddler.muddle(4, 9, seed=7).image).any()


def test_a_social_card_has_the_size_that_networks_show(app):
    assert picture(get(f"{app}/card.png{QUERY}")[1]).size == (1200, 630)


def test_the_atlas_has_its_networks_which_a_browser_may_keep(app, muddler):
    address = json.loads(get(f"{app}/map.json")[1])["networks"]
    _, headers, data = ask(f"{app}/{address}")
    assert data == browser_networks(muddler.bundle)
    assert len(data) < 700_000
    assert "immutable" in headers["Cache-Control"]
    _, headers, same = ask(f"{app}/networks.safetensors?v=another")
    assert same == data
    assert headers["Cache-Control"] == HOUR["Cache-Control"]


def test_the_map_has_every_exemplars_place_and_label(app, muddler):
    points = json.loads(get(f"{app}/map.json")[1])
    exemplars = muddler.bundle.exemplars
    places = np.frombuffer(base64.b64decode(points["places"]), np.float32).reshape(-1, 2)
    labels = np.frombuffer(base64.b64decode(points["labels"]), np.uint8)
    assert (labels == exemplars.labels.numpy()).all()
    np.testing.assert_allclose(places, muddler.project(exemplars.codes.numpy()), atol=1e-4)
    assert points["coast"] == COAST


def test_whether_the_app_is_ready_and_what_it_answers_with_has_an_address(app, muddler):
    status, headers, data = ask(f"{app}/healthz")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "no-store")
    expected = {"status": "ready", "version": muddler.version, "fingerprint": muddler.fingerprint}
    assert json.loads(data) == expected


@pytest.mark.parametrize("name", ["muddle.png", "muddle.gif", "muddle.json", "card.png", "map.json", "healthz"])
def test_a_head_request_has_the_headers_and_no_body(app, name):
    whole = ask(f"{app}/{name}{QUERY}")
    status, headers, data = ask(f"{app}/{name}{QUERY}", method="HEAD")
    assert (status, data) == (200, b"")
    for key in ("Content-Type", "Content-Length", "Cache-Control", "ETag"):
        assert headers[key] == whole[1][key]


def test_what_is_no_argument_is_left_alone_and_an_argument_given_twice_is_refused(app):
    assert ask(f"{app}/muddle.png{QUERY}&utm_source=x&utm_source=y")[2] == ask(f"{app}/muddle.png{QUERY}")[2]
    status, headers, _ = ask(f"{app}/muddle.png{QUERY}&seed=8")
    assert (status, headers["X-Error-Code"]) == (400, "bad-seed")


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("query", ["?digit=11", "?steps=1", "?image=x", "?digit=4&source=0", "?balance=2"])
def test_a_wrong_query_is_a_sentence_that_is_not_kept(app, path, query):
    status, headers, data = ask(f"{app}{path}{query}")
    name = re.findall(r"\w+", query)[-2]
    assert (status, headers["X-Error-Code"], headers["Cache-Control"]) == (400, f"bad-{name}", "no-store")
    assert data.decode().startswith(f"{name} must be ")


def test_a_picture_may_be_kept_for_ever_when_its_link_names_this_version(app, muddler):
    pinned = f"{app}/muddle.png{QUERY}&v={muddler.version}"
    _, headers, data = ask(pinned)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert ask(pinned, **{"If-None-Match": headers["ETag"]})[0::2] == (304, b"")
    assert ask(pinned, **{"If-None-Match": '"another"'})[0::2] == (200, data)
    _, other, _ = ask(f"{app}/muddle.png{QUERY}")
    assert other["Cache-Control"] == "public, max-age=3600"
    assert other["ETag"] != headers["ETag"]
    assert ask(f"{app}/muddle.gif{QUERY}&v={muddler.version}")[1]["ETag"] != headers["ETag"]


# While the networks are not there.


async def asked(networks, path):
    """Status, headers and body of an answer of the routes alone."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "scheme": "http"}
    app = Starlette(routes=routes(networks), exception_handlers={MuddleError: on_muddle_error})
    await app({**scope, "server": ("localhost", 80), "client": None}, receive, send)
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


def test_while_they_cannot_be_loaded_each_address_says_when_to_come_back(monkeypatch):
    worker = Worker()
    worker.start_faults.append(MemoryError())
    networks = idle(monkeypatch, worker)

    async def start():
        networks.start()

    status, _, body = finished(asked(networks, "/healthz"))
    assert (status, json.loads(body)["status"]) == (503, "starting")
    *answers, _ = together(asked(networks, "/muddle.png"), asked(networks, "/map.json"), start())
    for status, headers, _ in answers:
        assert (status, headers["x-error-code"], headers["retry-after"]) == (503, "busy", "1")
    worker.retry.set()
    networks.wait(10)
    status, _, body = finished(asked(networks, "/healthz"))
    assert (status, json.loads(body)) == (
        200,
        {"status": "ready", "version": FACTS.version, "fingerprint": FACTS.fingerprint},
    )
    networks.close()


# The page's head.


class Head(HTMLParser):
    def __init__(self):
        super().__init__()
        self.metas, self.icons, self.tags = [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        if tag == "meta" and ("name" in found or "property" in found):
            self.metas.append((found.get("name") or found["property"], found.get("content")))
        if tag == "link" and found.get("rel") == "icon":
            self.icons.append(found["href"])


def head_of(html):
    parser = Head()
    parser.feed(html)
    return parser


def page(address, **headers):
    status, _, html = ask(address, **headers)
    assert status == 200
    return html.decode()


def test_the_page_has_a_description_a_social_picture_and_an_icon_of_its_own(app):
    head = head_of(page(f"{app}/?digit=3&target=5&seed=2"))
    metas = dict(head.metas)
    assert "cannot agree on" in metas["description"]
    assert metas["og:image"].startswith(f"{app}/card.png?digit=3&target=5&seed=2")
    assert metas["og:url"] == f"{app}/?digit=3&target=5&seed=2&strategy=balanced&steps=11"
    assert head.icons == ["favicon.ico"]
    names = [name for name, _ in head.metas if name.startswith(("og:", "twitter:"))]
    assert len(names) == len(set(names))
    assert not [content for _, content in head.metas if content and "gradio" in content.lower()]
    assert get(metas["og:image"])[0] == "image/png"
    assert get(f"{app}/favicon.ico")[0] == "image/svg+xml"


def test_without_a_link_the_social_picture_is_what_the_page_opens_with(app):
    assert dict(head_of(page(app)).metas)["og:image"].startswith(f"{app}/card.png{OPENING.query()}")


def test_behind_a_proxy_the_addresses_are_the_proxys(app):
    head = head_of(page(app, **{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "somebody.example"}))
    assert dict(head.metas)["og:url"] == "https://somebody.example/"


@pytest.mark.parametrize("home", ["http://a/", 'http://a"><script>alert(2)</script>/'])
def test_nothing_gets_out_of_its_attribute(home):
    head = head_of(head_tags(home, '?digit="><script>alert(1)</script>'))
    metas = dict(head.metas)
    assert metas["og:url"] == home
    assert metas["og:image"].startswith(home + "card.png?digit=2")
    assert set(head.tags) == {"meta", "link", "script"}
    assert head.tags.count("script") == head_of(head_tags("http://a/", "")).tags.count("script")


def test_a_private_spaces_token_is_in_no_tag():
    tags = head_tags("http://a/", "?digit=3&target=5&__sign=a-token&__theme=dark")
    assert "http://a/?digit=3&amp;target=5" in tags
    assert "__" not in tags
    assert 'og:url" content="http://a/"' in head_tags("http://a/", "?__sign=a-token")


def test_the_page_is_packed_for_those_who_can_unpack_it(app):
    _, headers, packed = ask(app, **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert int(headers["Content-Length"]) == len(packed)
    assert headers["Vary"] == "accept-encoding"
    assert "og:image" in gzip.decompress(packed).decode()
    assert len(packed) < len(page(app)) / 3


def test_other_answers_are_left_alone(app):
    assert "og:image" not in page(f"{app}/gradio_api/info")
