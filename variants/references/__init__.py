"""Methods that need no training, from published algorithms: one file each."""
