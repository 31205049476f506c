"""What people say of places: points and states of viewers."""
