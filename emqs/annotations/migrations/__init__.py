"""Revisions of the database, run by ``Database.open``."""
