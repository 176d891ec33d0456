import gzip
import urllib.request
from html.parser import HTMLParser

from muddle.ui.head import tags


class Head(HTMLParser):
    def __init__(self):
        super().__init__()
        self.metas, self.icons = [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "meta" and ("name" in found or "property" in found):
            self.metas.append((found.get("name") or found["property"], found.get("content")))
        if tag == "link" and found.get("rel") == "icon":
            self.icons.append(found["href"])


def head_of(html):
    parser = Head()
    parser.feed(html)
    return parser


def page(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
        return answer.read().decode()


def test_the_page_has_a_description_a_social_picture_and_an_icon_of_its_own(app):
    head = head_of(page(f"{app}/?digit=3&target=5&seed=2"))
    metas = dict(head.metas)
    assert "could be either of two" in metas["description"]
    assert metas["og:image"].startswith(f"{app}/card.png?digit=3&target=5&seed=2")
    assert metas["og:url"] == f"{app}/?digit=3&target=5&seed=2"
    assert head.icons == ["favicon.svg"]
    names = [name for name, _ in head.metas if name.startswith(("og:", "twitter:"))]
    assert len(names) == len(set(names))
    assert not [content for _, content in head.metas if content and "gradio" in content.lower()]
    urllib.request.urlopen(metas["og:image"], timeout=30).close()
    urllib.request.urlopen(f"{app}/favicon.svg", timeout=30).close()


def test_behind_a_proxy_the_addresses_are_the_proxys(app):
    head = head_of(page(app, **{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "somebody.example"}))
    assert dict(head.metas)["og:url"] == "https://somebody.example/"


def test_nothing_in_a_query_gets_out_of_its_attribute():
    head = head_of(tags("http://a/", '?digit="><script>alert(1)</script>'))
    metas = dict(head.metas)
    assert metas["og:url"] == 'http://a/?digit="><script>alert(1)</script>'
    assert metas["og:image"].startswith("http://a/card.png?digit=4")


def test_the_page_is_packed_for_those_who_can_unpack_it(app):
    request = urllib.request.Request(app, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        packed = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) == len(packed)
    assert "og:image" in gzip.decompress(packed).decode()
    assert len(packed) < len(page(app)) / 3


def test_other_answers_are_left_alone(app):
    assert "og:image" not in page(f"{app}/gradio_api/info")
