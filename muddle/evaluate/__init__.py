"""Evaluation of classifiers on digits of known ambiguity: calibration measures, classifiers, diagram."""
