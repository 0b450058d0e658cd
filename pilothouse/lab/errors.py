"""What can go wrong in the lab, in words for the person at the terminal."""


class LabError(Exception):
    """The lab could not do it; the message says why and what to do."""
