"""The service that owns calendars, clocks, lawful suspensions, deadlines, apologies and statistics."""
