"""How well a classifier knows what it does not know."""
