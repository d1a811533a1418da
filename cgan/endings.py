"""How a run can end before its end. Each message is for the user: no traceback goes with it."""


class EndedError(Exception):
    """Training ended early; what is on disk is whole, and the same command line goes on."""

    exit_code = 1


class NonFiniteError(EndedError):
    """A loss or gradient stopped being a number; the message names step, term and device."""


class DiskError(EndedError):
    """A file of the run could not be written."""


class LostProcessError(EndedError):
    """Another process of the run died or can't be reached."""


class StoppedError(EndedError):
    """A signal asked the run to stop, and it saved what it had."""

    exit_code = 75
    """`EX_TEMPFAIL` of sysexits.h: try again later."""
