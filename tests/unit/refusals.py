# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's source can say of input that it refuses: sentences, with "…" for what is only known at run time."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

#: What is only known at run time.
GAP = "…"
#: So many forms of one sentence are looked at, where parts of it are alternatives.
_MOST_FORMS = 64
#: With fewer nothing can be told of a sentence that is put together elsewhere.
_FEWEST_LETTERS = 8


def refusals(path: Path) -> dict[int, set[str]]:
    """The sentences of a file that may become problems of an C(InvalidInput), by their lines, each with its forms.

    They are what is given to C(InvalidInput) and to a C(Finding) that is a C(PROBLEM), and what a function whose name
    says that it finds problems returns, yields or collects.
    """
    found: dict[int, set[str]] = {}
    for function in _functions(ast.parse(path.read_text())):
        reader = _Reader(function)
        for node in reader.sentences():
            forms = {form for form in reader.forms(node) if sum(map(str.isalpha, form)) >= _FEWEST_LETTERS}
            if forms:
                found.setdefault(node.lineno, set()).update(forms)
    return found


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


class _Reader:
    """Reads one function, with the local names that stand for text."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self._function = function
        self._texts: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._texts.setdefault(node.targets[0].id, []).append(node.value)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                for target in node.targets[0].elts:
                    if isinstance(target, ast.Name):
                        self._texts.setdefault(target.id, [])
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self._texts.setdefault(node.target.id, []).append(node.value)

    def sentences(self) -> Iterator[ast.expr]:
        """The expressions that are problems."""
        finds = "problems" in self._function.name
        for node in ast.walk(self._function):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name == "InvalidInput" and node.args:
                    yield from _elements(node.args[0])
                elif name == "Finding" and getattr(node.args[1], "id", "") == "PROBLEM":
                    yield node.args[2]
                elif name == "append" and (finds or _collects(node.func)):
                    yield node.args[0]
            elif isinstance(node, ast.AugAssign):
                if _named(node.target):
                    yield from _elements(node.value)
            elif finds and isinstance(node, (ast.Yield, ast.Return)) and node.value is not None:
                yield from _elements(node.value)

    def forms(self, node: ast.expr, depth: int = 0) -> list[str]:
        """What an expression may be as text."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else [GAP]
        if isinstance(node, ast.JoinedStr):
            parts = [
                self.forms(part.value if isinstance(part, ast.FormattedValue) else part, depth)
                for part in node.values
            ]
            return ["".join(one) for one in itertools.islice(itertools.product(*parts), _MOST_FORMS)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.forms(node.left, depth), self.forms(node.right, depth)
            return [a + b for a, b in itertools.islice(itertools.product(left, right), _MOST_FORMS)]
        if isinstance(node, ast.IfExp):
            return [*self.forms(node.body, depth), *self.forms(node.orelse, depth)]
        if isinstance(node, ast.Name) and self._texts.get(node.id) and depth < 3:
            return [form for text in self._texts[node.id] for form in self.forms(text, depth + 1)]
        return [GAP]


def _elements(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        for element in node.elts:
            if not isinstance(element, ast.Starred):
                yield from _elements(element)
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        yield from _elements(node.elt)
    elif isinstance(node, ast.IfExp):
        yield from _elements(node.body)
        yield from _elements(node.orelse)
    elif isinstance(node, (ast.JoinedStr, ast.BinOp)) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield node


def _collects(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and _named(function.value)


def _named(target: ast.expr) -> bool:
    return "problems" in getattr(target, "id", getattr(target, "attr", ""))
