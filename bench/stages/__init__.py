"""A run from suite to report, stage by stage: prepare, train, score, speed, samples, finish."""
