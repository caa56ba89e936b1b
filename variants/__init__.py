"""What is compared: networks, objectives, one trainer, and the registry that finds them."""
