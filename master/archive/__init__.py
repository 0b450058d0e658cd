"""A master's data directory as a whole: proven sound, copied while it is in use, put back."""
