"""Holes: named, deterministic generators, one subject a file."""
