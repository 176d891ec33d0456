"""How to cite the project, from its version."""

from muddle import __version__

YEAR = 2026


def bibtex() -> str:
    """The entry for BibTeX; CITATION.cff says the same."""
    return f"""@software{{mnist_muddle,
  title = {{{{MNIST Muddle}}: handwritten digits of known ambiguity}},
  author = {{{{The MNIST Muddle contributors}}}},
  year = {{{YEAR}}},
  version = {{{__version__}}},
}}"""
