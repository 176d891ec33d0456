"""Upload to the Hugging Face Hub: a bundle as a model repository, the app as a Space."""
