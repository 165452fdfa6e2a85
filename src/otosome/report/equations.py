"""Equations as text for a terminal, and as LaTeX for a paper."""

from __future__ import annotations

import ast
import re

from otosome.answers.equations import Equations, Part
from otosome.answers.numbers import number

# How firmly parts of an expression hold together.
_SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = range(5)
_GREEK = {"log": r"\ln", "log2": r"\log_2", "exp": r"\exp", "tanh": r"\tanh", "min": r"\min", "max": r"\max"}


def text_lines(answer: Equations) -> list[str]:
    """The equations and numbers of a study, a line each."""
    lines = [answer.title]
    for part in answer.parts:
        lines += ["", part.title]
        lines += [
            f"  {e.left} = {e.right}{f'  [{e.unit}]' if e.unit else ''}\n      {e.meaning}"
            for e in part.equations
        ]
        lines += [f"  {part.note}"] if part.note else []
        lines += [
            f"    {q.symbol} = {number(q.value)} {q.unit}".rstrip() + f"  {q.name}: {q.meaning}"
            for q in part.numbers
        ]
    return lines


def latex_lines(answer: Equations) -> list[str]:
    """The same as LaTeX: an align* for each part, and one table of numbers. Asks for amsmath and longtable."""
    lines = [f"% {answer.title}"]
    for part in answer.parts:
        lines += [rf"\subsection*{{{_words(part.title)}}}", *_aligned(part)]
        lines += [f"{_words(part.note)}."] if part.note else []
    lines += [r"\begin{longtable}{llll}", r"symbol & value & 5 to 95 \% & meaning \\ \hline"]
    for quantity in (quantity for part in answer.parts for quantity in part.numbers):
        value, low, high = (number(end) for end in (quantity.value, quantity.low, quantity.high))
        known = f"{low} to {high}" if quantity.low != quantity.high else "exactly"
        meaning = _words(quantity.meaning)
        lines.append(
            rf"${_name(quantity.symbol)}$ & {value} {_words(quantity.unit)} & {known} & {meaning} \\"
        )
    return [*lines, r"\end{longtable}"]


def _aligned(part: Part) -> list[str]:
    if not part.equations:
        return []
    rows = [rf"  {_left(e.left)} &= {latex(e.right)} && \text{{{_words(e.unit)}}} \\" for e in part.equations]
    return [r"\begin{align*}", *rows, r"\end{align*}"]


def _left(left: str) -> str:
    rate = re.fullmatch(r"d(\w)/dt", left)
    return rf"\frac{{d{rate.group(1)}}}{{dt}}" if rate else _name(left)


def _words(text: str) -> str:
    """Text in which LaTeX has no marks of its own."""
    return re.sub(r"([%&#_$])", r"\\\1", text)


def _name(name: str) -> str:
    """A symbol: one letter as it is, words upright, the kind of cell below."""
    stem, _, key = name.rpartition(".")
    written = key if len(key) == 1 else rf"\mathrm{{{_words(key)}}}"
    return rf"{written}_{{\mathrm{{{_words(stem)}}}}}" if stem else written


def latex(expression: str) -> str:
    """An expression of ``model.equations`` as LaTeX."""
    return _written(ast.parse(expression, mode="eval").body)[0]


def _written(node: ast.expr) -> tuple[str, int]:
    """A part of an expression, and how firmly it holds together."""
    if isinstance(node, ast.BinOp):
        return _joined(node)
    if isinstance(node, ast.UnaryOp):
        return f"-{_bracketed(node.operand, _SIGN)}", _SIGN
    if isinstance(node, ast.Call):
        inside = ", ".join(_written(part)[0] for part in node.args)
        return rf"{_GREEK[ast.unparse(node.func)]}\left({inside}\right)", _POWER
    if isinstance(node, ast.Constant):
        return f"{node.value!r}", _WHOLE
    return _name(ast.unparse(node)), _WHOLE


def _joined(node: ast.BinOp) -> tuple[str, int]:
    left, right = node.left, node.right
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{_written(left)[0]}}}{{{_written(right)[0]}}}", _POWER
    if isinstance(node.op, ast.Pow):
        return f"{_bracketed(left, _WHOLE)}^{{{_written(right)[0]}}}", _POWER
    if isinstance(node.op, ast.Mult):
        return rf"{_bracketed(left, _PRODUCT)} \, {_bracketed(right, _PRODUCT)}", _PRODUCT
    # What is taken away is held together, and what is added need not be.
    if isinstance(node.op, ast.Sub):
        return f"{_bracketed(left, _SUM)} - {_bracketed(right, _PRODUCT)}", _SUM
    return f"{_bracketed(left, _SUM)} + {_bracketed(right, _SUM)}", _SUM


def _bracketed(node: ast.expr, least: int) -> str:
    """A part, in brackets where it would come apart."""
    text, firmness = _written(node)
    return text if firmness >= least else rf"\left({text}\right)"
