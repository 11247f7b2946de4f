"""Sổ mẫu, the invented register of the conformance suite: the adapter to copy when yours is written in Python."""
