"""Intake owns procedures, submissions, applicants, dossiers, codes, payments and results; only it gives birth."""
