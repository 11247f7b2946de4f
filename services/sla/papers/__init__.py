"""What sla prints: form 06, the register and the apology, each a pure function from values to the bytes of a file."""
