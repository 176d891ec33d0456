"""Image files, preprocessing of drawings and photos, and conversions of pixel values."""

BLACK = 12  # decoded grey levels below this become 0: no eye sees them, but MNIST's background has none
