"""Training the networks of a run: batches, and how trainings share the machine."""
