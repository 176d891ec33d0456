"""The commands behind every figure of speed in the README."""
