"""The tests: unit, integration, contract, e2e, chaos, bench."""
