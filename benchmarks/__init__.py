"""The commands behind every figure of docs/speed.md."""
