"""A muddle as words, JSON and files; the report as a table."""
