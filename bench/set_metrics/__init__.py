"""Scores of a whole set of fills: one value a method, data set and mask type, not one a picture."""
