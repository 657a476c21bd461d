"""The parts of `binaries.gpu_check`."""
