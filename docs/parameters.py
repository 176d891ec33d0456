"""python docs/parameters.py: write the table of a muddle's parameters into api.md, from the recipe's own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))


def parameter_table() -> str:
    """One row for each parameter of a recipe, in Markdown."""
    from muddle.recipe import PARAMETERS

    lines = ["| parameter | decides | values | default |", "|---|---|---|---|"]
    for name, parameter in PARAMETERS.items():
        default = f"none: {parameter.none}" if parameter.default is None else f"`{parameter.default}`"
        lines.append(f"| `{name}` | {parameter.help} | {parameter.kind.allowed} | {default} |")
    return "\n".join(lines)


def main() -> int:
    """Rewrite the table where it stands."""
    from benchmarks.documents import PARAMETERS

    PARAMETERS.write(parameter_table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
