"""Workflow owns agencies, routes, legs and hand-offs: who holds a dossier, what is to be done, what comes next."""
