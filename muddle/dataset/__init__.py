"""Data sets of known ambiguity: what is in one, its files, its generation, its card."""
