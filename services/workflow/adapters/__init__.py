"""Adapters of outside systems: thin translators, each its own process, which use nothing but two public APIs."""
