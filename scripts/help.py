"""How --help tells defaults."""

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
