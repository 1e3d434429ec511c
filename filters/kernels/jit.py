"""The two ways in which this folder compiles a function."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def jit(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The function, compiled at its first call, without the interpreter's lock, kept on disk for the next process.

    Where no folder can be written to, each process compiles anew. Numba tells that a kept kernel is out of date by its
    own file's time stamp alone: a kernel must not call what another file holds.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return njit(nogil=True)(function)


def inlined(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """The function as a part of the kernels that call it: a call would cost more than what these do."""
    return njit(forceinline=True)(function)
