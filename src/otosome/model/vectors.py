"""Rows of eight lanes in compiled code: each is one value with + - * /, and each operation one instruction.

Numba leaves the choice of vectors to the compiler, which gives up where loops are short and rows are found through
lists. Here a row of an array (row, lane) is one machine vector.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from otosome.model.lanes import LANES

# What it makes has other arguments than the function it decorates: those of the compiled call.
_instruction: Any = intrinsic


class _Vector(types.Type):
    """Type of a row in compiled code."""

    def __init__(self) -> None:
        super().__init__(name=f"Vector{LANES}")  # type: ignore[no-untyped-call]


_vector = _Vector()
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _DOUBLES)  # type: ignore[no-untyped-call]


def _row(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    first = builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))], inbounds=True)
    return builder.bitcast(first, ir.PointerType(_DOUBLES))


def _index(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.cast(builder, value, kind, types.intp)


@_instruction
def get(typing: Any, array: Any, row: Any) -> Any:
    """Row of a contiguous array whose last axis is the lanes; ``row`` counts over all other axes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _index(context, builder, signature.args[1], arguments[1])
        return builder.load(_row(context, builder, signature.args[0], arguments[0], at), align=8)

    return _vector(array, row), generate


@_instruction
def put(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row of such an array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _index(context, builder, signature.args[1], arguments[1])
        builder.store(arguments[2], _row(context, builder, signature.args[0], arguments[0], at), align=8)
        return context.get_dummy_value()

    return types.void(array, row, _vector), generate


@_instruction
def pick(typing: Any, rows: Any, at: Any) -> Any:
    """Element of a flat list of rows, without the test for an index that counts from the end."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index = _index(context, builder, signature.args[1], arguments[1])
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element = builder.load(builder.gep(data, [index], inbounds=True))
        return context.cast(builder, element, signature.args[0].dtype, types.intp)

    return types.intp(rows, at), generate


@_instruction
def every(typing: Any, number: Any) -> Any:
    """The same number in each lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        double = context.cast(builder, arguments[0], signature.args[0], types.float64)
        lone = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), double, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(lone, ir.Constant(_DOUBLES, ir.Undefined), mask)

    return _vector(number), generate


def _binary(name: str) -> Any:
    @_instruction
    def operation(typing: Any, left: Any, right: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            # A product may be fused with the sum it goes into: one rounding, the same in every lane and run.
            return getattr(builder, name)(*arguments, flags=("contract",))

        return _vector(_vector, _vector), generate

    return operation


def _define(symbol: Any, operation: Any) -> None:
    @overload(symbol)
    def overloaded(left, right):  # type: ignore[no-untyped-def]  # Numba compares both signatures
        if isinstance(left, _Vector) and isinstance(right, _Vector):
            return lambda left, right: operation(left, right)
        if isinstance(left, _Vector) and isinstance(right, types.Float):
            return lambda left, right: operation(left, every(right))
        if isinstance(left, types.Float) and isinstance(right, _Vector):
            return lambda left, right: operation(every(left), right)
        return None


for _symbol, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_symbol, _binary(_name))


def _called(name: str, count: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * count)
        symbol = f"llvm.{name}.v{LANES}f64"
        function = cgutils.get_or_insert_function(builder.module, kind, symbol)  # type: ignore[no-untyped-call]
        return builder.call(function, arguments)

    return generate


@_instruction
def magnitude(typing: Any, number: Any) -> Any:
    """Absolute value."""
    return _vector(_vector), _called("fabs", 1)


@_instruction
def larger(typing: Any, left: Any, right: Any) -> Any:
    """The larger of two; a lane that is no number keeps the other's."""
    return _vector(_vector, _vector), _called("maxnum", 2)


@_instruction
def smaller(typing: Any, left: Any, right: Any) -> Any:
    """The smaller of two; a lane that is no number keeps the other's."""
    return _vector(_vector, _vector), _called("minnum", 2)


@_instruction
def signed(typing: Any, size: Any, sign: Any) -> Any:
    """The size of one with the sign of the other."""
    return _vector(_vector, _vector), _called("copysign", 2)


@_instruction
def root(typing: Any, number: Any) -> Any:
    """Square root."""
    return _vector(_vector), _called("sqrt", 1)


@_instruction
def nearest(typing: Any, number: Any) -> Any:
    """Nearest whole number."""
    return _vector(_vector), _called("rint", 1)


@_instruction
def doubled(typing: Any, power: Any) -> Any:
    """Two to the power of a whole number from -1022 to 1023."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = ir.VectorType(ir.IntType(64), LANES)
        exponent = builder.add(builder.fptosi(arguments[0], whole), ir.Constant(whole, [1023] * LANES))
        return builder.bitcast(builder.shl(exponent, ir.Constant(whole, [52] * LANES)), _DOUBLES)

    return _vector(_vector), generate


@_instruction
def some(typing: Any, numbers: Any) -> Any:
    """Whether any lane is above zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.fcmp_ordered(">", arguments[0], ir.Constant(_DOUBLES, [0.0] * LANES))
        bits = builder.bitcast(above, ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(_vector), generate


@_instruction
def where(typing: Any, condition: Any, left: Any, right: Any) -> Any:
    """The first where the condition is above zero, else the second."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        above = builder.fcmp_ordered(">", arguments[0], ir.Constant(_DOUBLES, [0.0] * LANES))
        return builder.select(above, arguments[1], arguments[2])

    return _vector(_vector, _vector, _vector), generate
