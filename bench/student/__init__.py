"""A small network that learns to predict AlexNet-LPIPS; FIGURES.md says how well, and that it is good enough to be bundled."""
