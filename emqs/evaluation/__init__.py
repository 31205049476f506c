"""How good a search is: metrics, maps of the codes, tables of sweeps."""
