"""Printing a finished comparison or check: one format a file, all from the same rows."""
