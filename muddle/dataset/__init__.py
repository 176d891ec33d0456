"""Data sets of known ambiguity: their specification, files, generation and card."""
