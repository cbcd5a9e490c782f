"""Reads what the operating system says of a failure."""


def reason_of(error: OSError) -> str:
    """Returns the reason in the system's words, without the number and the file that Python adds."""
    return error.strerror or str(error)
