"""Real processes and engines under injected faults, and a checker that knows only what was acknowledged."""
