"""Image files, preprocessing of drawings and photos, and conversions of pixel values."""
