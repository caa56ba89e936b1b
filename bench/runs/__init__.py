"""The run folder: writing it, reading it, the records in it and what it says of its origin."""
