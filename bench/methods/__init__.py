"""Methods ready to fill: from what a user writes (a SPEC) to something that can be called."""
