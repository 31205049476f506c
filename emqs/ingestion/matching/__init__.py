"""Finds where one slice lies on another: roughly by correlation, then block by block."""
