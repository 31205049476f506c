"""What every command does around its work: settings, records, sweeps, tables."""
