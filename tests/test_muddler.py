import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hub_standin import REPO, TOKEN, connect, hub
from support.processes import ROOT, environment, output
from torch.utils.flop_counter import FlopCounterMode

from muddle.errors import ArgumentError, BundleError
from muddle.images.pixels import decoded_pixels, to_unit
from muddle.muddler import CHUNK, Muddler
from muddle.recipe import STRATEGIES, Recipe

# Of the muddles below. It changes only together with ALGORITHM or with the embedded bundle.
KNOWN = "dac7840c08242e7d934feba22afb31ca1a30cc9d2e3689e5b851f9128384fb11"


def digest(muddler):
    """Of muddles of every kind, alone, of images and in batches."""
    h = hashlib.sha256()

    def feed(m):
        for array in (m.image, m.frames, m.source, m.partner, m.soft_label, m.probabilities, m.judge_probabilities):
            h.update(array.tobytes())
        for codes in (m.code, m.codes):
            h.update((codes.round(6) + 0.0).tobytes())
        facts = (
            m.digit,
            m.target,
            m.seed,
            m.strategy,
            m.steps,
            m.balance,
            m.t,
            m.pick,
            m.source_index,
            m.partner_index,
        )
        h.update(repr((*facts, *vars(m.scores).values())).encode())

    for i in range(21):
        strategy, target = STRATEGIES[i % 3], None if i % 4 == 0 else (i + 1 + i % 9) % 10
        feed(muddler.muddle(i % 10, target, seed=i, steps=3 + i % 5, strategy=strategy))
    for i, balance in enumerate((0, 0.1, 0.35, 0.8, 1)):
        feed(muddler.muddle(2 * i, seed=100 + i, steps=2, balance=balance))
    images, labels = muddler.bundle.exemplars.images.numpy(), muddler.bundle.exemplars.labels.tolist()
    for i, strategy in enumerate(STRATEGIES):
        feed(muddler.muddle_image(images[40 + 900 * i], seed=i, steps=5, strategy=strategy))
        feed(muddler.muddle(labels[70 + 800 * i], seed=i, steps=5, strategy=strategy, source=70 + 800 * i))
        batch = muddler.muddle_many([1, 7, 3, 6], [None, 2, 8, None], [5, 6, 7, 8], strategy=strategy, steps=9)
        for name in vars(batch):
            h.update(getattr(batch, name).tobytes())
    return h.hexdigest()


def test_the_bytes_are_the_known_ones(muddler):
    assert digest(muddler) == KNOWN


CODE = """
import sys
sys.path.insert(0, "tests")
import torch
from muddle import Muddler
from test_muddler import digest
assert torch.backends.cpu.get_cpu_capability() == "DEFAULT"
torch.set_num_threads(1)
print(digest(Muddler.from_pretrained()))
"""


def test_a_processor_without_avx_gives_the_same_bytes():
    narrow = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    assert output(CODE, **narrow).strip() == KNOWN


def same(one, other):
    """Whether two muddles are equal to the byte, whatever their recipes."""
    return all(np.array_equal(value, getattr(other, name)) for name, value in vars(one).items() if name != "recipe")


MIXED = [
    Recipe(digit=4, target=9, seed=7, steps=3, strategy="farthest"),
    Recipe(digit=2, seed=7, steps=2),
    Recipe(digit=5, target=3, seed=8, steps=6, strategy="midpoint"),
    Recipe(digit=8, seed=2**32 - 1, steps=7, strategy="farthest"),
    Recipe(digit=4, target=0, seed=1, steps=3, balance=0.2),
    Recipe(digit=0, target=6, seed=3, steps=3, strategy="farthest"),
    Recipe(digit=4, target=9, seed=1, steps=2, source=1020, strategy="midpoint"),
]


@pytest.fixture(scope="module")
def mixed(muddler):
    """Recipes of every strategy, one with an image, and what each gives alone."""
    image = muddler.bundle.exemplars.images[3].numpy()
    recipes = [*MIXED, Recipe(image=image, seed=2, steps=4)]
    return recipes, [muddler.make([recipe])[0] for recipe in recipes]


def test_muddles_of_mixed_strategies_in_one_call_are_those_of_each_alone(muddler, mixed):
    recipes, alone = mixed
    together = muddler.make(recipes)
    assert [m.strategy for m in together] == [recipe.strategy for recipe in recipes]
    assert [m.steps for m in together] == [recipe.steps for recipe in recipes]
    assert all(same(m, one) for m, one in zip(together, alone, strict=True))


def test_a_batch_of_mixed_strategies_keeps_the_order(muddler, mixed):
    recipes, alone = mixed
    batch = muddler.make_batch(recipes)
    for i, m in enumerate(alone):
        assert (batch.images[i] == m.image).all()
        assert (batch.soft_labels[i] == m.soft_label).all()
        assert (batch.targets[i], batch.partners[i], batch.t[i]) == (m.target, m.partner_index, m.t)
        assert batch.sources[i] == (-1 if m.source_index is None else m.source_index)
        scores = (m.scores.entropy, m.scores.likeness, m.scores.grey)
        assert (batch.entropy[i], batch.likeness[i], batch.grey[i]) == scores


def test_a_muddle_has_the_recipe_that_makes_it_again(muddler, mixed):
    recipes, alone = mixed
    assert all(same(m, again) for m, again in zip(alone, muddler.make([m.recipe for m in alone]), strict=True))
    by_link = muddler.make([Recipe.from_query(m.query) for m in alone])
    assert all(same(m, again) for m, again in zip(alone, by_link, strict=True))
    for recipe, m in zip(recipes, alone, strict=True):
        kept = ("seed", "strategy", "steps", "source", "balance")
        assert [getattr(m.recipe, name) for name in kept] == [getattr(recipe, name) for name in kept]
        assert recipe.target in (None, m.recipe.target)
        assert recipe.digit in (None, m.recipe.digit)
        assert (m.recipe.image is None) == (recipe.image is None)


def test_no_recipes_are_no_muddles(muddler):
    assert muddler.make([]) == []
    empty, one = muddler.muddle_many([], [], []), muddler.muddle_many([4], [9], [0], strategy="midpoint")
    assert empty.images.shape == (0, 28, 28)
    assert len(empty) == 0
    for none, some in zip(vars(empty).values(), vars(one).values(), strict=True):
        assert none.dtype == some.dtype
        assert none.shape[1:] == some.shape[1:]


def test_a_link_without_a_seed_makes_the_muddle_of_python_without_a_seed(muddler):
    by_link = muddler.make([Recipe.from_query("?digit=4&target=9")])[0]
    assert same(by_link, muddler.muddle(4, 9))
    assert same(by_link, muddler.muddle(4, 9, seed=0))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_muddle_has_what_the_contract_names(muddler, strategy):
    m = muddler.muddle(4, 9, seed=7, steps=11, strategy=strategy)
    assert (m.digit, m.target, m.seed, m.strategy) == (4, 9, 7, strategy)
    for image, shape in ((m.image, (28, 28)), (m.frames, (11, 28, 28)), (m.source, (28, 28)), (m.partner, (28, 28))):
        assert image.dtype == np.uint8
        assert image.shape == shape
    assert m.probabilities.shape == (11, 10)
    np.testing.assert_allclose(m.probabilities.sum(1), 1, atol=5e-3)  # each to a thousandth
    assert m.judge_probabilities.shape == (11, len(muddler.bundle.judges.judges), 10)
    np.testing.assert_allclose(m.judge_probabilities.mean(1), m.probabilities, atol=6e-3)  # to a hundredth
    np.testing.assert_allclose(m.soft_label.sum(), 1, atol=1e-5)
    assert 0 < m.t < 1
    assert m.pick == round(m.t * 10)
    assert m.scores.p_digit == m.soft_label[4]
    assert m.scores.p_target == m.soft_label[9]


def test_every_muddle_is_a_frame_of_its_path(muddler):
    recipes = [
        Recipe(digit=i % 10, seed=i, steps=3 + i % 9, strategy=STRATEGIES[i % 3], source=None) for i in range(200)
    ]
    for m in muddler.make(recipes):
        assert 0 < m.pick < m.steps - 1
        assert (m.frames[m.pick] == m.image).all()
        assert (m.codes[m.pick] == m.code).all()
        assert np.abs(m.probabilities[m.pick] - m.soft_label).max() < 6e-4


def test_a_morph_leads_from_source_over_the_muddle_to_partner(muddler):
    m = muddler.muddle(4, 9, seed=7)
    morph = muddler.morph(np.stack([m.codes[0], m.code, m.codes[-1]]))
    assert morph.frames.shape == (33, 28, 28)
    assert (morph.frames[[0, 16, -1]] == np.stack([m.frames[0], m.image, m.frames[-1]])).all()
    assert (morph.choices[16] == m.judge_soft_labels.argmax(1)).all()
    assert (morph.choices[0] == 4).all()
    assert (morph.choices[-1] == 9).all()


def test_each_judge_has_a_soft_label_of_which_theirs_is_the_mean(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=2)
    np.testing.assert_allclose(m.judge_soft_labels.mean(0), m.soft_label, atol=1e-6)
    np.testing.assert_array_equal(muddler.judge_each(m.image), m.judge_soft_labels)


def test_the_nearest_digit_but_its_own_is_the_target_that_is_found(muddler):
    for seed in range(5):
        m = muddler.muddle(4, seed=seed, steps=2)
        order = muddler.nearest_digits(m.source).tolist()
        assert sorted(order) == list(range(10))
        order.remove(4)
        assert order[0] == m.target


def test_with_two_steps_there_are_only_the_ends(muddler):
    m, whole = (muddler.muddle(4, 9, seed=7, steps=steps) for steps in (2, 11))
    assert (m.frames == whole.frames[[0, -1]]).all()
    assert (m.image == whole.image).all()
    assert m.pick == round(m.t)


def test_source_and_partner_are_real_images_of_their_digits(muddler):
    exemplars = muddler.bundle.exemplars
    m = muddler.muddle(3, 5, seed=1, steps=2)
    assert (m.source == exemplars.images[m.source_index].numpy()).all()
    assert (m.partner == exemplars.images[m.partner_index].numpy()).all()
    assert exemplars.labels[m.source_index] == 3
    assert exemplars.labels[m.partner_index] == 5


def test_a_source_can_be_chosen_and_leaves_the_partners_as_they_were(muddler):
    drawn = muddler.muddle(4, 9, seed=7, steps=2)
    chosen = muddler.muddle(4, 9, seed=7, steps=2, source=drawn.source_index)
    assert same(drawn, chosen)
    assert (drawn.recipe.source, chosen.recipe.source) == (None, drawn.source_index)
    other = muddler.muddle(4, 9, seed=7, source=1020, strategy="midpoint")
    assert (other.source == muddler.bundle.exemplars.images[1020].numpy()).all()
    assert other.partner_index == muddler.muddle(4, 9, seed=7, strategy="midpoint").partner_index


@pytest.mark.parametrize("source", [0, 2500])
def test_a_source_that_is_not_of_the_digit_or_not_there_is_refused(muddler, source):
    for make in (muddler.make, muddler.make_batch):
        with pytest.raises(ArgumentError) as caught:
            make([Recipe(digit=4), Recipe(digit=4, source=source)])
        assert caught.value.code == "bad-source"


def test_a_muddle_has_its_codes_and_their_places_on_the_map(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=5)
    ends = muddler.bundle.exemplars.codes[[m.source_index, m.partner_index]].numpy()
    np.testing.assert_array_equal(m.codes[[0, m.pick, -1]], [ends[0], m.code, ends[1]])
    with torch.no_grad():
        images = muddler.bundle.autoencoder.decode(torch.from_numpy(np.stack([m.code, *m.codes])))
    assert (np.stack([m.image, *m.frames]) == decoded_pixels(images).numpy()).all()
    np.testing.assert_allclose(np.stack([m.place, *m.places]), muddler.project(np.stack([m.code, *m.codes])), atol=1e-6)
    assert m.places.shape == (5, 2)


def test_numbers_of_numpy_are_as_good_as_pythons(muddler):
    m = muddler.muddle(np.int64(4), np.int64(9), seed=np.uint32(7), steps=np.int8(3), strategy="midpoint")
    assert same(m, muddler.muddle(4, 9, seed=7, steps=3, strategy="midpoint"))
    batch = muddler.muddle_many(np.array([4]), np.array([9]), np.array([7]), strategy="midpoint")
    assert (batch.images[0] == m.image).all()


def test_soft_labels_sum_to_one_so_that_labels_can_be_drawn_from_them(muddler):
    batch = muddler.muddle_many(range(10), [(d + 1) % 10 for d in range(10)], range(10))
    for p in (*batch.soft_labels, *batch.judge_soft_labels.reshape(-1, 10)):
        np.random.default_rng(0).choice(10, p=p)
        assert np.abs(p * 10**6 - (p * 10**6).round()).max() < 1e-9
        assert abs(p.sum() - 1) < 1e-12
    np.testing.assert_allclose(batch.soft_labels, batch.judge_soft_labels.mean(1), atol=2e-6)


def test_single_values_hold_for_all_rows_and_columns_may_be_anything_with_numbers(muddler):
    one = muddler.muddle_many(4, None, range(3), strategy="midpoint")
    same = muddler.muddle_many(torch.tensor([4, 4, 4]), [None] * 3, np.arange(3), strategy="midpoint")
    np.testing.assert_array_equal(one.images, same.images)
    assert len(muddler.muddle_many(torch.tensor(4), np.int64(9), np.array(3), strategy="midpoint")) == 1
    assert len(muddler.muddle_many(4, 9, 7, strategy="midpoint", balances=0.5)) == 1
    with pytest.raises(ArgumentError) as caught:
        muddler.muddle_many([4, 4], [9, 9, 9], 0)
    assert "of one length" in str(caught.value)


def test_judges_say_of_many_images_what_they_say_of_each(muddler):
    images = muddler.bundle.exemplars.images[::500].numpy()
    assert muddler.judge(images).shape == (len(images), 10)
    assert muddler.judge_each(images).shape == (len(images), 10, 10)
    for image, mean, each in zip(images, muddler.judge(images), muddler.judge_each(images), strict=True):
        np.testing.assert_array_equal(muddler.judge(image), mean)
        np.testing.assert_array_equal(muddler.judge_each(image), each)
    for wrong in (images.astype(float), images[:, :27], images[:0], 3, "image"):
        with pytest.raises(ArgumentError):
            muddler.judge(wrong)


def test_places_are_of_codes_of_any_numbers_and_of_nothing_else(muddler):
    codes = muddler.bundle.exemplars.codes[:3].numpy()
    np.testing.assert_allclose(muddler.project(codes.astype(np.float32)), muddler.project(codes), atol=1e-3)
    for wrong in (codes[0], codes[:, :5], "codes", None):
        with pytest.raises(ArgumentError) as caught:
            muddler.project(wrong)
        assert caught.value.code == "bad-codes"


def test_the_judges_mean_on_an_image_is_ten_probabilities(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=2)
    np.testing.assert_array_equal(muddler.judge(m.image), m.soft_label)
    with pytest.raises(ArgumentError) as caught:
        muddler.judge(m.image / 255)
    assert caught.value.code == "bad-image"


def test_the_soft_label_is_the_judges_mean_on_the_published_pixels(muddler):
    m = muddler.muddle(5, 3, seed=11, steps=2)
    with torch.no_grad():
        mean = muddler.bundle.judges(to_unit(torch.from_numpy(m.image)[None])).mean(0)[0]
    np.testing.assert_allclose(m.soft_label, mean.numpy(), atol=1e-6)


def test_the_midpoint_is_the_decoded_average_of_the_two_codes(muddler):
    m = muddler.muddle(2, 7, seed=3, steps=11, strategy="midpoint")
    codes = muddler.bundle.exemplars.codes[[m.source_index, m.partner_index]]
    with torch.no_grad():
        image = muddler.bundle.autoencoder.decode(codes.mean(0, keepdim=True))
    assert (m.image == decoded_pixels(image)[0].numpy()).all()
    assert (m.image == m.frames[5]).all()


def test_farthest_is_the_inner_frame_with_the_largest_sum_of_errors(muddler):
    m = muddler.muddle(2, 7, seed=3, steps=11, strategy="farthest")
    ends = np.stack([m.source, m.partner])[:, None] / 255
    errors = ((m.frames[None] / 255 - ends) ** 2).mean((2, 3)).sum(0)
    assert m.pick == 1 + errors[1:-1].argmax()
    assert (m.image == m.frames[m.pick]).all()


@pytest.mark.parametrize("balance", [0.0, 0.2, 0.9])
def test_a_balance_comes_out_as_it_was_asked_for(muddler, balance):
    batch = muddler.muddle_many([4] * 40, [9] * 40, range(40), balances=balance)
    target = batch.soft_labels[:, 9] / (batch.soft_labels[:, 4] + batch.soft_labels[:, 9])
    assert target.mean() == pytest.approx(balance, abs=0.06)
    assert np.median(abs(target - balance)) < 0.1


def test_the_centroid_matrix_is_a_copy(muddler):
    centroids = muddler.centroids
    assert centroids.shape == (10, 10)
    centroids[:] = 0
    assert muddler.centroids.any()


@settings(max_examples=5)
@given(
    st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 2**32 - 1), st.sampled_from(STRATEGIES)
)
def test_alone_or_in_a_batch_the_bytes_are_the_same(muddler, digit, target, seed, strategy):
    target = None if target == digit else target
    alone = muddler.muddle(digit, target, seed=seed, strategy=strategy)
    batch = muddler.muddle_many([1, digit, 8], [None, target, 3], [5, seed, 6], strategy=strategy)
    assert (batch.images[1] == alone.image).all()
    assert (batch.soft_labels[1] == alone.soft_label).all()
    found = (batch.targets[1], batch.sources[1], batch.partners[1], batch.t[1])
    assert found == (alone.target, alone.source_index, alone.partner_index, alone.t)


def test_a_batch_that_is_made_in_pieces_has_no_seam(muddler):
    count = CHUNK + 2
    recipes = [Recipe(digit=i % 10, seed=i, strategy="midpoint") for i in range(count)]
    batch = muddler.make_batch(recipes)
    assert batch.images.shape == (count, 28, 28)
    for i in (0, CHUNK - 1, CHUNK, count - 1):
        assert (batch.images[i] == muddler.make([recipes[i]])[0].image).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_many_are_the_same_on_any_number_of_threads(muddler, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        batch = muddler.muddle_many([1, 2, 3, 4, 5, 6, 7], [None] * 7, list(range(7)))
    finally:
        torch.set_num_threads(before)
    for i, (image, partner) in enumerate(zip(batch.images, batch.partners, strict=True)):
        alone = muddler.muddle(i + 1, seed=i, steps=2)
        assert (image == alone.image).all()
        assert partner == alone.partner_index


def test_another_process_with_other_threads_gives_the_same_bytes(muddler):
    code = (
        "import hashlib; from muddle import Muddler; from muddle.recipe import Recipe\n"
        "for m in Muddler.from_pretrained().make([Recipe.from_query(q) for q in {!r}]):\n"
        "    print(hashlib.sha256(m.image.tobytes() + m.frames.tobytes() + m.soft_label.tobytes()).hexdigest())"
    )
    recipes = [Recipe(digit=4, target=t, seed=7, strategy=s) for t, s in ((None, "balanced"), (9, "farthest"))]
    child = environment(OMP_NUM_THREADS="2" if torch.get_num_threads() == 1 else "1", OMP_WAIT_POLICY="PASSIVE")
    command = [sys.executable, "-c", code.format([recipe.query() for recipe in recipes])]
    done = subprocess.run(command, cwd=ROOT, env=child, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        hashlib.sha256(m.image.tobytes() + m.frames.tobytes() + m.soft_label.tobytes()).hexdigest()
        for m in muddler.make(recipes)
    ]


def test_a_given_image_is_the_source(muddler):
    image = muddler.muddle(6, seed=2, steps=2, strategy="midpoint").source
    m = muddler.muddle_image(image, target=0, seed=5, steps=2)
    assert (m.source == image).all()
    assert m.source_index is None
    assert (m.digit, m.target) == (6, 0), "the judges see the six"
    assert muddler.muddle_image(image, 8, 0, seed=5, steps=2).digit == 8, "unless told otherwise"
    with pytest.raises(ArgumentError) as caught:
        muddler.muddle_image(image, target=6)
    assert caught.value.code == "bad-target", "which is what the judges see"


@pytest.mark.parametrize(
    "image",
    [None, np.zeros((28, 28), np.uint8), np.ones((28, 28)), np.ones((27, 28), np.uint8)],
    ids=["none", "black", "float", "size"],
)
def test_an_image_that_is_no_digit_is_refused(muddler, image):
    with pytest.raises(ArgumentError) as caught:
        muddler.muddle_image(image)
    assert caught.value.code == "bad-image"


@pytest.mark.parametrize("change", [{"digits": [1, 2]}, {"seeds": []}, {"balances": [0.5, 0.5]}])
def test_lists_of_different_lengths_are_refused(muddler, change):
    with pytest.raises(ArgumentError) as caught:
        muddler.muddle_many(**{"digits": [1], "targets": [None], "seeds": [0], **change})
    assert caught.value.code == "bad-digits"


def test_balanced_muddles_split_the_judges_and_midpoints_do_not(muddler):
    digits, rows = [d for d in range(10) for _ in range(3)], np.arange(30)
    shares = {}
    for strategy in ("balanced", "midpoint"):
        batch = muddler.muddle_many(digits, [None] * 30, range(30), strategy=strategy)
        lesser = np.minimum(batch.soft_labels[rows, digits], batch.soft_labels[rows, batch.targets])
        shares[strategy] = (lesser > 0.4).mean()
    assert shares["balanced"] > 0.7
    assert shares["midpoint"] < 0.3


def test_every_ordered_pair_can_be_asked_for(muddler):
    pairs = [(a, b) for a in range(10) for b in range(10) if a != b]
    batch = muddler.muddle_many([a for a, _ in pairs], [b for _, b in pairs], [0] * 90, strategy="midpoint")
    assert batch.targets.tolist() == [b for _, b in pairs]


def test_another_seed_gives_another_source(muddler):
    batch = muddler.muddle_many([8] * 10, [None] * 10, range(10), strategy="midpoint")
    assert len(set(batch.sources.tolist())) >= 8


# Saved, pushed and loaded again.


def test_a_saved_bundle_is_the_same_when_it_is_loaded(muddler, tmp_path):
    muddler.save_pretrained(tmp_path / "saved")
    again = Muddler.from_pretrained(tmp_path / "saved")
    assert again.fingerprint == muddler.fingerprint
    again.save_pretrained(tmp_path / "saved")  # into the folder that it came from
    assert Muddler.from_pretrained(tmp_path / "saved").fingerprint == muddler.fingerprint
    assert again.bundle.card == muddler.bundle.card


def test_a_bundle_that_cannot_be_written_is_an_error(muddler, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BundleError) as caught:
        muddler.save_pretrained(tmp_path / "file")
    assert caught.value.path == tmp_path / "file"


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client uses httpx so
def test_a_bundle_that_is_pushed_is_the_same_when_it_is_pulled(muddler, tmp_path, monkeypatch):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path)
        commit = muddler.push_to_hub(REPO, token=TOKEN, private=True, tag="v1")
        repo = server.repos["model", REPO]
        assert (repo.private, repo.tags) == (True, {"v1": commit})
        pulled = Muddler.from_pretrained(REPO, "v1", token=TOKEN, cache_dir=tmp_path / "cache")
        assert pulled.fingerprint == muddler.fingerprint
        assert (pulled.origin.name, pulled.origin.revision) == (REPO, commit)
        server.requests.clear()
        Muddler.from_pretrained(REPO, commit, cache_dir=tmp_path / "cache", local_files_only=True)
        assert not server.requests


def test_a_name_that_is_not_of_two_parts_is_not_pushed_to(muddler):
    with pytest.raises(ArgumentError):
        muddler.push_to_hub("mnist-muddle")


def test_likeness_is_a_percentile_of_images_alone_and_together(muddler):
    images = np.concatenate([muddler.bundle.exemplars.images[::600].numpy(), np.full((1, 28, 28), 255, np.uint8)])
    together = muddler.likeness(images)
    assert together.shape == (len(images),)
    assert [float(muddler.likeness(image)) for image in images] == together.tolist()
    assert together[-1] < 1
    assert (together[:-1] > 1).all()
    m = muddler.muddle(4, 9, seed=7)
    assert float(muddler.likeness(m.image)) == m.scores.likeness


@pytest.mark.parametrize("device", ["cuda:99", "mps", "meta", "gpu", "", None])
def test_a_device_that_is_not_there_or_knows_no_float64_is_refused(muddler, device):
    with pytest.raises(ArgumentError) as caught:
        Muddler(muddler.bundle, device)
    assert caught.value.code == "bad-device"


def test_on_a_device_that_is_there_the_muddles_are_the_same_but_for_near_ties(muddler):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    one, other = (m.muddle_many(range(10), None, range(10)) for m in (muddler, Muddler(muddler.bundle, device)))
    assert (one.images == other.images).all((1, 2)).mean() >= 0.9


def test_a_picture_is_the_muddle_without_the_work_for_its_path(muddler):
    recipes = [Recipe(digit=4, target=9, seed=seed) for seed in range(3)]
    with FlopCounterMode(display=False) as whole:
        made = muddler.make(recipes)
    with FlopCounterMode(display=False) as alone:
        pictures = muddler.pictures(recipes)
    for picture, muddle in zip(pictures, made, strict=True):
        np.testing.assert_array_equal(picture, muddle.image)
    assert alone.get_total_flops() < 0.5 * whole.get_total_flops()
