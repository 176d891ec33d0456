import dataclasses

from muddle.bundle.files import EMBEDDED, load_bundle
from muddle.verify import verify


def test_the_embedded_bundle_makes_the_muddle_of_its_card():
    bundle = load_bundle(EMBEDDED)
    lines, same = verify(bundle)
    assert same
    text = "\n".join(lines)
    assert bundle.fingerprint in text
    assert bundle.sample["query"] in text
    assert all(name in text and digest in text for name, digest in bundle.files.items())


def test_a_sample_that_comes_out_otherwise_is_seen():
    bundle = load_bundle(EMBEDDED)
    for change in ({"sha256": "0" * 64}, {"query": "?digit=4&target=9&seed=123"}):
        _, same = verify(dataclasses.replace(bundle, sample={**bundle.sample, **change}))
        assert not same


def test_a_bundle_without_a_sample_is_unfinished():
    lines, same = verify(dataclasses.replace(load_bundle(EMBEDDED), sample=None))
    assert not same
    assert lines[-1].startswith("sample")
