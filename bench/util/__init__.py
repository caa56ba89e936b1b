"""What every room needs: errors, files, progress, seeded draws, 8-bit levels, words."""
