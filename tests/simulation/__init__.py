"""The proof of the spine: one state machine, run over the pure core and over the real relay and inbox."""
