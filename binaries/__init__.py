"""The commands, each a thin `main`."""

from tff_hidenseek import commands  # pylint: disable=unused-import
