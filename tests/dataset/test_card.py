import io
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from muddle.bundle.references import member_probabilities, read_reference
from muddle.dataset.card import BAR, card_files, sample_sheet, tenths
from muddle.dataset.formats import FORMATS
from muddle.dataset.spec import Spec


@pytest.fixture(scope="module")
def card(muddler, small, rows):
    return card_files(muddler, small, rows, "parquet", "abc")["README.md"].decode()


def test_the_front_matter_tells_the_hub_where_the_data_are(card, muddler, small, rows):
    matter = yaml.safe_load(card.split("---\n")[1])
    assert matter["license"] == "cc-by-sa-3.0"
    assert matter["size_categories"] == ["n<1K"]
    (config,) = matter["configs"]
    assert config["data_files"] == [{"split": "test", "path": "data/test/*.parquet"}]
    for form in FORMATS.keys() - {"parquet", "png"}:
        text = card_files(muddler, small, rows, form, "abc")["README.md"].decode()
        assert "configs" not in yaml.safe_load(text.split("---\n")[1])
        assert "load_dataset" not in text


@pytest.mark.parametrize(("count", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (100_000, "100K<n<1M")])
def test_the_size_category_is_the_hubs(count, category, muddler, small, rows):
    many = rows.rows(np.arange(count) % 16)
    text = card_files(muddler, small, many, "npz", "abc")["README.md"].decode()
    assert yaml.safe_load(text.split("---\n")[1])["size_categories"] == [category]
    assert f"# {count:,} " in text


def test_the_histogram_is_that_of_the_shares_that_came_out(card, rows):
    lines = re.findall(r"^[01]\.\d to [01]\.\d +([\d.]+) % *(█*)$", card, re.MULTILINE)
    counts = tenths(rows)
    assert counts.tolist() == [int(((rows.target_share() * 10).astype(int) == i).sum()) for i in range(10)]
    assert [float(share) for share, _ in lines] == pytest.approx(list(100 * counts / 16), abs=0.051)
    assert [len(bar) for _, bar in lines] == [round(BAR * count / counts.max()) for count in counts]


def test_the_table_of_pairs_counts_them_with_their_entropy(card, rows):
    lines = [line.strip("|").split("|") for line in card.splitlines() if re.match(r"\| \*\*\d\*\* \|", line)]
    cells = {(a, b): cell.strip() for a, (_, *line) in enumerate(lines) for b, cell in enumerate(line)}
    expected = zip(rows.digit.tolist(), rows.target.tolist(), rows.entropy, strict=True)
    assert {pair: cell for pair, cell in cells.items() if cell} == {(a, b): f"1 ({e:.2f})" for a, b, e in expected}


def test_every_column_is_explained(card, rows):
    explained = set(re.findall(r"`(\w+)`", card.split("## Columns")[1].split("## How")[0]))
    assert explained >= vars(rows).keys()


def test_the_card_names_specification_and_bundle(card, muddler, small):
    table = dict(re.findall(r"^\| ([a-z ]+) \| (.*) \|$", card.split("## How it was made")[1], re.MULTILINE))
    assert table["images"] == "16"
    assert table["pairs"] == "all"
    assert table["seed"] == str(small.seed)
    assert muddler.fingerprint[:12] in table["bundle"]
    assert table["version"] == muddler.version


def test_samples_go_from_digit_to_target(rows):
    sheet = np.array(Image.open(io.BytesIO(sample_sheet(rows))))
    order = rows.target_share().argsort(kind="stable")
    assert (sheet[0:56:2, 0:56:2] == rows.image[order[0]]).all()
    assert (sheet[0:56:2, -56::2] == rows.image[order[-1]]).all()


def test_at_most_a_hundred_samples_are_taken_evenly(rows):
    many = rows.rows(np.arange(320) // 20)
    sheet = Image.open(io.BytesIO(sample_sheet(many)))
    assert sheet.size == (2 * (20 * 30 - 2), 2 * (5 * 30 - 2))


def test_a_fixed_balance_and_some_pairs_are_named(muddler, rows):
    spec = Spec(count=16, balance=0.3, pairs=((4, 9), (3, 5)), shards=1)
    text = card_files(muddler, spec, rows, "npz", "abc")["README.md"].decode()
    assert "| requested balance | 0.3 |" in text
    assert "| 4-9,3-5 |" in text


def test_a_reviewer_finds_what_the_labels_are_and_how_to_cite_them(card, muddler, rows):
    assert "MNIST's **training** set" in card
    assert "networks' opinions, not people's" in card
    worth = 100 * rows.soft_label[np.arange(16), rows.label].mean()
    assert f"{worth:.1f} %, so no classifier" in card
    assert "@software{mnist_muddle" in card
    assert "`abc`" in card
    matter = yaml.safe_load(card.split("---\n")[1])
    assert matter["source_datasets"] == ["ylecun/mnist"]
    assert matter["annotations_creators"] == ["machine-generated"]
    for judge in muddler.bundle.report["judges"]:
        assert f"| {judge['name']} | {100 * judge['accuracy']:.2f} % |" in card


def test_networks_that_had_no_part_in_the_set_are_asked_about_it(card, rows):
    each = member_probabilities(read_reference("ensemble"), rows.image)
    lesser = np.minimum(each[2, np.arange(16), rows.digit], each[2, np.arange(16), rows.target])
    line = next(line for line in card.splitlines() if line.startswith("| network 3 alone |"))
    assert line.split("|")[2].strip() == f"{100 * (lesser > 0.2).mean():.1f} %"


def test_doubt_is_divided_into_the_judges_own_and_their_disagreement(card, rows):
    np.testing.assert_allclose(rows.expected_entropy + rows.mutual_information, rows.entropy, atol=1e-4)
    assert f"{rows.expected_entropy.mean():.2f} are in each judge" in card
