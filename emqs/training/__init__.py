"""Training of encoders with Lightning."""
