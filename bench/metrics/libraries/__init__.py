"""Metrics of other libraries as columns: ``torchmetrics:CLASS`` and ``pyiqa:NAME``, each with ``@hole`` too."""
