"""Tests of binaries."""
