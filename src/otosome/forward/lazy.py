"""A property computed once for each object, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class lazy(Generic[Owner, Value]):  # a decorator, as property is
    """A property that is computed when first read, and kept.

    As ``functools.cached_property``, which in Python 3.11 holds one lock for all objects of a class while it computes:
    with it two blocks of ears in two threads would wait for each other. An object belongs to one thread here.
    """

    def __init__(self, compute: Callable[[Owner], Value]) -> None:
        """``compute`` gives the value from the object."""
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        """The value is stored under the property's own name, which is found first from then on."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> lazy[Owner, Value]: ...
    @overload
    def __get__(self, instance: Owner, owner: type[Owner]) -> Value: ...
    def __get__(self, instance: Owner | None, owner: type[Owner]) -> Value | lazy[Owner, Value]:
        """The value, computed if it is not there yet."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
