"""How a finished run is shown: figures, grids, templates. Never trains, never runs a model."""
