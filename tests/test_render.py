import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from muddle.render import png, tiled


@given(arrays(np.uint8, (28, 28)), st.integers(1, 4))
def test_a_png_gives_every_pixel_back(pixels, scale):
    read = np.array(Image.open(io.BytesIO(png(pixels, scale))))
    assert (read == pixels.repeat(scale, 0).repeat(scale, 1)).all()
    assert png(pixels, scale) == png(pixels, scale)


@given(st.integers(1, 25), st.integers(1, 7))
def test_a_sheet_has_every_image_in_its_place(n, columns):
    images = np.arange(1, n + 1, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    sheet = tiled(images, columns, gap=2)
    assert sheet.shape == (-(-n // columns) * 30 - 2, columns * 30 - 2)
    for i in range(n):
        y, x = (i // columns) * 30, (i % columns) * 30
        assert (sheet[y : y + 28, x : x + 28] == i + 1).all()
