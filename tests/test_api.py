import base64
import io

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from muddle.render import png


@pytest.fixture(scope="module")
def client(app):
    return Client(app, verbose=False)


def pixels(uri):
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))))


def test_the_public_endpoints_are_these(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/muddle", "/muddle_image", "/about"}


def test_the_api_gives_the_bytes_that_python_gives(client, muddler):
    over_http = client.predict(digit=4, target=9, seed=7, api_name="/muddle")
    here = muddler.muddle(4, 9, seed=7)
    assert (pixels(over_http["muddle"]) == here.image).all()
    assert (pixels(over_http["source"]) == here.source).all()
    assert (np.stack([pixels(frame) for frame in over_http["frames"]]) == here.frames).all()
    assert over_http["soft_label"] == here.soft_label.tolist()
    assert over_http["probabilities"] == here.probabilities.tolist()
    assert over_http["scores"] == vars(here.scores)
    assert (over_http["t"], over_http["pick"]) == (here.t, here.pick)


def test_the_target_may_be_left_to_the_latent_space(client, muddler):
    assert client.predict(digit=3, seed=1, api_name="/muddle")["target"] == muddler.muddle(3, seed=1).target


def test_a_given_image_comes_back_as_the_source(client, muddler):
    image = muddler.muddle(6, seed=2, strategy="midpoint").source
    text = base64.b64encode(png(image)).decode()
    for form in (text, "data:image/png;base64," + text):
        over_http = client.predict(image=form, target=0, seed=5, api_name="/muddle_image")
        assert (pixels(over_http["source"]) == image).all()
        assert (pixels(over_http["muddle"]) == muddler.muddle_image(image, target=0, seed=5).image).all()


def test_about_names_the_bundle_and_its_report(client, muddler):
    about = client.predict(api_name="/about")
    assert about["bundle"]["name"] == "embedded"
    assert muddler.bundle.fingerprint.startswith(about["bundle"]["fingerprint"])
    assert about["report"]["strategies"].keys() == {"balanced", "midpoint", "farthest"}


WRONG = [
    ({"digit": 11}, "digit 11 is not possible"),
    ({"digit": 4.5}, "digit 4.5 is not possible"),
    ({"digit": "x"}, "digit 'x' is not possible"),
    ({"target": 4}, "it must differ from the digit"),
    ({"steps": 1}, "give a whole number from 2 to 64"),
    ({"strategy": "best"}, "choose one of balanced, midpoint, farthest"),
    ({"strategy": ["best"]}, "choose one of balanced, midpoint, farthest"),
    ({"seed": -1}, "give a whole number from 0 to 4294967295"),
]


@pytest.mark.parametrize(("change", "text"), WRONG, ids=[str(change) for change, _ in WRONG])
def test_wrong_arguments_are_a_sentence(client, change, text):
    with pytest.raises(AppError, match=text):
        client.predict(**{"digit": 4, **change}, api_name="/muddle")


@pytest.mark.parametrize("image", ["", "no image", "A" * 200_000, base64.b64encode(b"GIF89a").decode(), None, 7])
def test_what_is_no_picture_is_a_sentence(client, image):
    with pytest.raises(AppError, match=r"^image .* is not possible: "):
        client.predict(image=image, api_name="/muddle_image")


def test_a_picture_of_another_size_is_scaled_and_centred(client, muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    large = base64.b64encode(png(image, scale=10)).decode()
    source = pixels(client.predict(image=large, digit=4, target=9, api_name="/muddle_image")["source"])
    assert np.abs(source.astype(int) - image).mean() < 15


def test_a_source_can_be_chosen(client, muddler):
    over_http = client.predict(digit=4, target=9, source=1020, api_name="/muddle")
    assert (pixels(over_http["source"]) == muddler.bundle.exemplars.images[1020].numpy()).all()
    with pytest.raises(AppError, match="that exemplar is a 0, not a 4"):
        client.predict(digit=4, source=3, api_name="/muddle")
