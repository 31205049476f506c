"""What people say of places: annotations, atlas, merges, saved searches, and their database."""
