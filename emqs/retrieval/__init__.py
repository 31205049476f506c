"""From examples to ranked matches, in stacks of slices and in embedding stores."""
