"""The networks, each beside its frozen config."""
