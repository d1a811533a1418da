"""What the command lines share: bad input ends with one message and exit code 2."""

import sys
from collections.abc import Callable

from cgan.config import ConfigError


def run(main: Callable[[], None]) -> None:
    """Call a program's main function.

    A `ConfigError` ends it with exit code 2: what was asked for can't be done. Its message alone
    goes to standard error. A file that can't be read or written ends it with 1, and Ctrl-C with
    130, as shells expect.
    """
    try:
        main()
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        sys.exit(130)
