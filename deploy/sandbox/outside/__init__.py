"""What the outside systems have in common: storage, fault switches, callbacks, clerks, autopilot, one page."""
