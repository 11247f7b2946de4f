"""The use cases of workflow: lock, decide, write, publish; one function each."""
