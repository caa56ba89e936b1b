"""Scores of a filled picture against its truth, one subject a file."""
