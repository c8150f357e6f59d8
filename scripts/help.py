"""What the command lines have in common: how --help tells defaults, -v and -q."""

import argparse


class DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of each option that has one."""

    def _get_help_string(self, action):
        default = action.default
        if default is None or default is False or default == "" or default == []:
            return action.help
        if isinstance(default, (list, tuple)):
            return f"{action.help} (default: {' '.join(map(str, default))})"
        return super()._get_help_string(action)


def add_verbosity(
    parser: argparse.ArgumentParser, more: str, less: str = "errors only"
) -> None:
    """Adds -v and -q, of which one at most may be given.

    Args:
        parser: Of a command.
        more: What -v tells too.
        less: What -q leaves.
    """
    told = parser.add_mutually_exclusive_group()
    told.add_argument("-v", "--verbose", action="store_true", help=more)
    told.add_argument("-q", "--quiet", action="store_true", help=less)
