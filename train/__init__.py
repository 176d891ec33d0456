"""The training pipeline: python -m train STAGE."""
