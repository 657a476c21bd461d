"""What a round costs, beside bare TensorFlow and beside other versions."""

from tff_hidenseek import commands  # pylint: disable=unused-import
