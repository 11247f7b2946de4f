"""How the system is run: the local launcher, the sandbox of outside systems, the sample province."""
