"""The parts of the documents that commands write, each between two comments that stay."""

from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


@dataclass(frozen=True)
class Part:
    """A part of docs/`document`, called `name`, that `command` writes."""

    document: str
    name: str
    command: str

    @property
    def begin(self) -> str:
        """The comment before it."""
        return f"<!-- {self.name}: written by {self.command} -->"

    @property
    def end(self) -> str:
        """The comment after it."""
        return f"<!-- end of {self.name} -->"

    def write(self, content: str) -> None:
        """Put the content in the place of the old one."""
        path = DOCS / self.document
        path.write_text(replace_between(path.read_text(), self.begin, self.end, content))


PARAMETERS = Part("api.md", "parameters", "python docs/parameters.py")
SPEED = Part("speed.md", "speed", "python -m benchmarks --docs")
REFERENCES = Part("datasets.md", "references", "python -m benchmarks.dataset --docs")


def replace_between(text: str, begin: str, end: str, content: str) -> str:
    """The text with the content on lines of its own between the two. Raises ValueError unless each is there once."""
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{content}\n{end}{after}"
