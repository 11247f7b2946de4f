"""Benchmarks: ``python -m tests.bench [NAME …]``; each prints a table with its floor, measured in the same run."""
