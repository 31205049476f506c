"""Objects from a few clicks: a probability of every voxel, and from it objects."""
