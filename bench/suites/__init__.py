"""Frozen suites: pictures and holes that stay the same, their fingerprint, and their form on disk."""
