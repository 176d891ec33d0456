"""Images in and out: files, pictures of digits as MNIST would have them, pixel values."""
