"""Coastal scenes drawn by rule: sky, cloud, sun, sea, hills and lighthouses, endless and the same everywhere."""
