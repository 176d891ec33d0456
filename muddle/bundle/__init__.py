"""The bundle: everything that is published, in one folder; where it comes from, and whether it is whole."""
