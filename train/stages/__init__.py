"""The stages that train something: `python -m train NAME` runs the module of that name."""
