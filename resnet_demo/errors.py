"""The one exception whose text is meant for the person at the page or the terminal."""


class UserError(ValueError):
    """What went wrong and what to do next, in one sentence; the page and the command line show it as it is."""
