"""What a round costs, beside bare TensorFlow and beside other versions."""

import tff_hidenseek
