"""A folder of sources, or of tests, as Bazel's targets."""

load("@rules_python//python:defs.bzl", "py_binary", "py_library", "py_test")

def python_room(
        data = [],
        exclude = [],
        programs = [],
        deps = []):
    """Makes a library of the folder, and a program of each that is named.

    Who may import what is tested by tests/import_directions_test.py.

    Args:
      data: Patterns of the other files that it reads.
      exclude: Patterns of sources that are left out.
      programs: The modules of `bazel run //binaries:train`, which is
        `python -m binaries.train`.
      deps: What all of these need.
    """
    name = native.package_name().split("/")[-1]
    py_library(
        name = name,
        testonly = native.package_name() == "tests",
        srcs = native.glob(["**/*.py"], exclude = exclude),
        data = native.glob(data, allow_empty = True) if data else [],
        visibility = ["//:__subpackages__"],
        deps = deps,
    )
    for program in programs:
        py_binary(
            name = program,
            # As a module, so that the folder's `__init__` runs first.
            main_module = native.package_name() + "." + program,
            deps = [":" + name],
        )

def python_tests(data, deps):
    """Makes a target of each test file, and a library of what they share.

    `bazel test //...` leaves out the tests that lie right in this folder: they
    look at the whole checkout, of which Bazel shows them a part.

    Args:
      data: Patterns of the other files that they read.
      deps: What any of the tests needs.
    """
    python_room(data = data, exclude = ["**/*_test.py"], deps = deps)
    shared = ":" + native.package_name()
    for test in native.glob(["**/*_test.py"]):
        py_test(
            name = test[:-len(".py")],
            size = "large",
            srcs = [test],
            # By pytest, which imports conftest.py first.
            args = ["$(rootpath " + test + ")"],
            data = ["//:pytest.ini"],
            main_module = "pytest",
            tags = [] if "/" in test else ["manual"],
            deps = deps + [shared],
        )
