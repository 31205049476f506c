"""What people say of places: annotations, atlas, merges, searches; their database."""
