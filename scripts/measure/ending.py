"""How a program that measures ends."""

import sys
from collections.abc import Callable


def end(name: str, work: Callable[[], None]) -> int:
    """Does all the work of a program, and says in one line why it could not.

    Args:
        name: Of the program, before its message.
        work: Raises ChildProcessError where a program that it runs fails, another
            OSError or ValueError where files or options are wrong.

    Returns:
        The program's exit code: 1 for the former, 2 for the others.
    """
    try:
        work()
    except ChildProcessError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    return 0
