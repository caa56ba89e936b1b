"""A small network that learns to predict AlexNet-LPIPS; FIGURES.md says how well, and whether it is bundled."""
