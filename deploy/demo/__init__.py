"""``make demo``: land-transfer dossiers go through the whole system by HTTP only, on a clock that runs fast."""
