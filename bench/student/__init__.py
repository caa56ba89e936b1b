"""A small network that learns to predict AlexNet-LPIPS, bundled; FIGURES.md says how well it does."""
