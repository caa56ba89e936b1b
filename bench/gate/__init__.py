"""The CI gate: rules, thresholds, noise floors, and the check that applies them."""
