"""How inpainting variants are compared: data, masks, metrics, runner, statistics, gate, command line."""

__version__ = "0.1.0"
