"""VBDLIS, the land registry: it says everything in words, and nothing can be read back."""
