"""What two or more services use: the timeline spine, event contracts, and thin edges; no business rules."""
