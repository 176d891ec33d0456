import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from support.processes import ROOT, environment
from hypothesis import given, settings
from hypothesis import strategies as st

from muddle.arguments import STRATEGIES
from muddle.errors import ArgumentError
from muddle.images.pixels import to_unit


def digest(m):
    parts = (m.image, m.source, m.partner, m.frames, m.probabilities, m.soft_label)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts) + repr((m.t, m.scores)).encode()).hexdigest()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_muddle_has_what_the_contract_names(muddler, strategy):
    m = muddler.muddle(4, 9, seed=7, steps=11, strategy=strategy)
    assert (m.digit, m.target, m.seed, m.strategy) == (4, 9, 7, strategy)
    for image, shape in ((m.image, (28, 28)), (m.frames, (11, 28, 28)), (m.source, (28, 28)), (m.partner, (28, 28))):
        assert image.dtype == np.uint8
        assert image.shape == shape
    assert m.probabilities.shape == (11, 10)
    np.testing.assert_allclose(m.probabilities.sum(1), 1, atol=5e-3)  # each to a thousandth
    np.testing.assert_allclose(m.soft_label.sum(), 1, atol=1e-5)
    assert 0 <= m.t <= 1
    assert m.pick == round(m.t * 10)
    assert m.scores.p_digit == m.soft_label[4]
    assert m.scores.p_target == m.soft_label[9]


def test_source_and_partner_are_real_images_of_their_digits(muddler):
    exemplars = muddler.bundle.exemplars
    m = muddler.muddle(3, 5, seed=1)
    assert (m.source == exemplars.images[m.source_index].numpy()).all()
    assert (m.partner == exemplars.images[m.partner_index].numpy()).all()
    assert exemplars.labels[m.source_index] == 3
    assert exemplars.labels[m.partner_index] == 5


def test_a_source_can_be_chosen_and_leaves_the_partners_as_they_were(muddler):
    drawn = muddler.muddle(4, 9, seed=7)
    same = muddler.muddle(4, 9, seed=7, source=drawn.source_index)
    assert digest(same) == digest(drawn)
    assert (drawn.chosen, same.chosen) == (False, True)
    other = muddler.muddle(4, 9, seed=7, source=1020, strategy="midpoint")
    assert (other.source == muddler.bundle.exemplars.images[1020].numpy()).all()
    assert other.partner_index == muddler.muddle(4, 9, seed=7, strategy="midpoint").partner_index


@pytest.mark.parametrize(
    ("source", "text"),
    [(0, "that exemplar is a 0, not a 4"), (2500, "from 0 to 2499"), (-1, "from 0 to 2499"), ("x", "a whole number")],
)
def test_a_source_that_is_not_of_the_digit_is_refused(muddler, source, text):
    with pytest.raises(ArgumentError, match=text):
        muddler.muddle(4, source=source)


def test_a_muddle_has_its_codes(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=5)
    ends = muddler.bundle.exemplars.codes[[m.source_index, m.partner_index]].numpy()
    np.testing.assert_allclose(m.codes, ends[0] + np.linspace(0, 1, 5)[:, None] * (ends[1] - ends[0]), atol=1e-12)
    with torch.no_grad():
        image = muddler.bundle.autoencoder.decode(torch.from_numpy(m.code)[None])[0, 0]
    assert (m.image == (image * 255).round().byte().numpy()).all()


def test_numbers_of_numpy_are_as_good_as_pythons(muddler):
    m = muddler.muddle(np.int64(4), np.int64(9), seed=np.uint32(7), steps=np.int8(3), strategy="midpoint")
    assert [type(value) for value in (m.digit, m.target, m.seed, m.steps)] == [int] * 4


def test_the_judges_opinion_of_an_image_is_ten_probabilities(muddler):
    m = muddler.muddle(4, 9, seed=7)
    np.testing.assert_array_equal(muddler.judge(m.image), m.soft_label)
    with pytest.raises(ArgumentError, match="uint8"):
        muddler.judge(m.image / 255)


def test_the_midpoint_is_the_decoded_average_of_the_two_codes(muddler):
    m = muddler.muddle(2, 7, seed=3, steps=11, strategy="midpoint")
    codes = muddler.bundle.exemplars.codes[[m.source_index, m.partner_index]]
    with torch.no_grad():
        image = muddler.bundle.autoencoder.decode(codes.mean(0, keepdim=True))[0, 0]
    assert (m.image == (image * 255).round().byte().numpy()).all()
    assert (m.image == m.frames[5]).all()


def test_farthest_is_the_inner_frame_with_the_largest_sum_of_errors(muddler):
    m = muddler.muddle(2, 7, seed=3, steps=11, strategy="farthest")
    ends = np.stack([m.source, m.partner])[:, None] / 255
    errors = ((m.frames[None] / 255 - ends) ** 2).mean((2, 3)).sum(0)
    assert m.pick == 1 + errors[1:-1].argmax()
    assert (m.image == m.frames[m.pick]).all()


def test_the_target_is_the_class_of_the_centroid_nearest_to_the_source(muddler):
    found = {digit: set() for digit in range(10)}
    for digit in range(10):
        for seed in range(8):
            m = muddler.muddle(digit, seed=seed, steps=2, strategy="midpoint")
            code = muddler.bundle.exemplars.codes[m.source_index].numpy()
            distances = np.linalg.norm(muddler.centroids - code, axis=1)
            distances[digit] = np.inf
            assert m.target == distances.argmin()
            found[digit].add(m.target)
    assert max(map(len, found.values())) > 1, "found from the image, so it differs from draw to draw"


def test_another_seed_gives_another_source(muddler):
    assert len({muddler.muddle(8, seed=s, strategy="midpoint").source.tobytes() for s in range(10)}) >= 8


@settings(max_examples=6)
@given(
    st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 2**32 - 1), st.sampled_from(STRATEGIES)
)
def test_alone_or_in_a_batch_the_bytes_are_the_same(muddler, digit, target, seed, strategy):
    target = None if target == digit else target
    alone = muddler.muddle(digit, target, seed=seed, strategy=strategy)
    batch = muddler.muddle_many([1, digit, 8], [None, target, 3], [5, seed, 6], strategy=strategy)
    assert (batch.images[1] == alone.image).all()
    assert (batch.soft_labels[1] == alone.soft_label).all()
    assert (batch.targets[1], batch.sources[1], batch.partners[1]) == (
        alone.target,
        alone.source_index,
        alone.partner_index,
    )
    assert batch.t[1] == alone.t


def test_a_long_batch_is_made_in_pieces_without_a_seam(muddler):
    digits, seeds = [4] * 20, list(range(20))
    batch = muddler.muddle_many(digits, [9] * 20, seeds)
    assert batch.images.shape == (20, 28, 28)
    for i in (0, 15, 16, 19):
        assert (batch.images[i] == muddler.muddle(4, 9, seed=i).image).all()


def test_no_muddles_are_an_empty_batch(muddler):
    assert muddler.muddle_many([], [], []).images.shape == (0, 28, 28)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_with_other_threads_gives_the_same_bytes(muddler, threads):
    code = (
        "import sys; sys.path.insert(0, 'tests'); from test_pipeline import digest; from muddle import Muddler\n"
        "m = Muddler.from_pretrained()\n"
        "print(*(digest(m.muddle(4, t, seed=7, strategy=s)) for t in (None, 9) for s in ('balanced', 'farthest')))"
    )
    child = environment(OMP_NUM_THREADS=threads, PYTHONPATH=str(ROOT))
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=child, capture_output=True, text=True, check=True)
    here = [digest(muddler.muddle(4, t, seed=7, strategy=s)) for t in (None, 9) for s in ("balanced", "farthest")]
    assert said.stdout.split() == here


def test_a_given_image_is_the_source(muddler):
    image = muddler.muddle(6, seed=2, strategy="midpoint").source
    m = muddler.muddle_image(image, target=0, seed=5)
    assert (m.source == image).all()
    assert m.source_index is None
    assert (m.digit, m.target) == (6, 0), "the judges see the six"
    assert muddler.muddle_image(image, 8, 0, seed=5).digit == 8, "unless told otherwise"


def test_the_soft_label_is_what_the_judges_say_of_the_published_pixels(muddler):
    m = muddler.muddle(5, 3, seed=11)
    with torch.no_grad():
        seen = muddler.bundle.judges(to_unit(torch.from_numpy(m.image)[None])).mean(0)[0]
    np.testing.assert_allclose(m.soft_label, seen.numpy(), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_are_the_same_on_any_number_of_threads(muddler, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        batch = muddler.muddle_many([1, 2, 3, 4, 5, 6, 7], [None] * 7, list(range(7)))
    finally:
        torch.set_num_threads(before)
    for i, (image, partner) in enumerate(zip(batch.images, batch.partners, strict=True)):
        alone = muddler.muddle(i + 1, seed=i)
        assert (image == alone.image).all()
        assert partner == alone.partner_index


def test_balanced_muddles_split_the_judges_and_midpoints_do_not(muddler):
    digits = [d for d in range(10) for _ in range(3)]
    seeds = list(range(30))
    shares = {}
    for strategy in ("balanced", "midpoint"):
        batch = muddler.muddle_many(digits, [None] * 30, seeds, strategy=strategy)
        rows = np.arange(30)
        lesser = np.minimum(batch.soft_labels[rows, digits], batch.soft_labels[rows, batch.targets])
        shares[strategy] = (lesser > 0.4).mean()
    assert shares["balanced"] > 0.7
    assert shares["midpoint"] < 0.3


def test_every_ordered_pair_can_be_asked_for(muddler):
    pairs = [(a, b) for a in range(10) for b in range(10) if a != b]
    batch = muddler.muddle_many([a for a, _ in pairs], [b for _, b in pairs], [0] * 90, strategy="midpoint")
    assert batch.targets.tolist() == [b for _, b in pairs]


WRONG = [
    ({"digit": 11}, "digit 11 is not possible: give a whole number from 0 to 9."),
    ({"digit": -1}, "digit -1 is not possible: give a whole number from 0 to 9."),
    ({"digit": "four"}, "digit 'four' is not possible: give a whole number from 0 to 9."),
    ({"digit": True}, "digit True is not possible: give a whole number from 0 to 9."),
    ({"digit": float("nan")}, "digit nan is not possible: give a whole number from 0 to 9."),
    ({"target": 4}, "target 4 is not possible: it must differ from the digit."),
    ({"target": 10}, "target 10 is not possible: give a whole number from 0 to 9."),
    ({"steps": 1}, "steps 1 is not possible: give a whole number from 2 to 64."),
    ({"steps": 65}, "steps 65 is not possible: give a whole number from 2 to 64."),
    ({"seed": -1}, "seed -1 is not possible: give a whole number from 0 to 4294967295."),
    ({"seed": 2**32}, "seed 4294967296 is not possible: give a whole number from 0 to 4294967295."),
    ({"strategy": "best"}, "strategy 'best' is not possible: choose one of balanced, midpoint, farthest."),
    (
        {"strategy": "farthest", "steps": 2},
        "steps 2 is not possible: farthest picks an inner step, so it needs at least 3.",
    ),
]


@pytest.mark.parametrize(("change", "text"), WRONG, ids=[str(change) for change, _ in WRONG])
def test_a_wrong_argument_is_named_with_what_is_allowed(muddler, change, text):
    arguments = {"digit": 4, "target": None, "seed": 0, "steps": 11, "strategy": "balanced", **change}
    with pytest.raises(ArgumentError) as caught:
        muddler.muddle(arguments.pop("digit"), arguments.pop("target"), **arguments)
    assert str(caught.value) == text


def test_lists_of_different_lengths_are_refused(muddler):
    with pytest.raises(ArgumentError, match="of one length"):
        muddler.muddle_many([1, 2], [None], [0, 0])


@pytest.mark.parametrize(
    "image",
    [np.zeros((28, 28), np.uint8), np.ones((28, 28)), np.ones((27, 28), np.uint8)],
    ids=["black", "float", "size"],
)
def test_an_image_that_is_no_digit_is_refused(muddler, image):
    with pytest.raises(ArgumentError, match="image"):
        muddler.muddle_image(image)
