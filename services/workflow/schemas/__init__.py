"""Request and response bodies of workflow: journeys, and the exchange with outside systems."""
