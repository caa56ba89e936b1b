"""Profiles: everything that a run is made of, in one small TOML file with named, typed keys."""
