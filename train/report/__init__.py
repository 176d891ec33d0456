"""The last stages: measure a trained bundle, write report, model card and pictures, and ship it with the code."""
