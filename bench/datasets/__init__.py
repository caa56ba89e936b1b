"""Pictures: named sources, one a file, that all look alike from outside."""
