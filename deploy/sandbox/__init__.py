"""The outside systems as small stand-ins with fault switches; they share no code with the services."""
