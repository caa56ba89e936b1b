"""Sides of runs against each other, paired picture by picture."""
