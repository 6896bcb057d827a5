"""FHIRPath tokens -> tree: a precedence climber over the grammar of http://hl7.org/fhirpath/N1/#operator-precedence."""

from __future__ import annotations

from typing import NamedTuple

from .errors import PathError
from .lexer import Token, tokens

DEEPEST = 100
"""Nesting deeper than this is refused (Python's stack is not endless)."""


class Literal(NamedTuple):
    kind: str  # boolean, string, number, date, datetime, time, quantity
    text: str
    unit: str = ""


class Empty(NamedTuple):
    pass


class Special(NamedTuple):
    name: str  # $this, $index, $total


class Variable(NamedTuple):
    name: str


class Name(NamedTuple):
    name: str


class Call(NamedTuple):
    name: str
    args: tuple[Tree, ...]


class Dot(NamedTuple):
    left: Tree
    right: Name | Call | Special


class Index(NamedTuple):
    left: Tree
    at: Tree


class Unary(NamedTuple):
    sign: str
    of: Tree


class Binary(NamedTuple):
    op: str
    left: Tree
    right: Tree


class TypeTest(NamedTuple):
    op: str  # is, as
    left: Tree
    type: str


Tree = Literal | Empty | Special | Variable | Name | Call | Dot | Index | Unary | Binary | TypeTest

BINDING = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<=": 6, "<": 6, ">": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_SIGN = 11
_ALSO_NAMES = {"as", "is", "contains", "in", "div", "mod", "and", "or", "xor", "implies"}
_UNITS = {
    "year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "minute", "minutes",
    "second", "seconds", "millisecond", "milliseconds",
}  # fmt: skip


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.tokens = tokens(text)
        self.i = 0
        self.depth = 0

    def wrong(self, token: Token, wanted: str) -> PathError:
        got = repr(token.text) if token.kind != "end" else "its end"
        return PathError(f"FHIRPath: expected {wanted}, found {got} at character {token.at + 1} of {self.text[:200]!r}.")

    def peek(self) -> Token:
        return self.tokens[self.i]

    def next(self) -> Token:
        token = self.tokens[self.i]
        self.i += 1
        return token

    def is_sign(self, text: str) -> bool:
        token = self.peek()
        return token.kind == "sign" and token.text == text

    def expect(self, text: str) -> None:
        token = self.next()
        if token.kind != "sign" or token.text != text:
            raise self.wrong(token, repr(text))

    def expression(self, binding: int = 0) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise PathError(f"FHIRPath: nested deeper than {DEEPEST}: {self.text[:200]!r}.")
        left = self.prefix()
        steps = 0
        while True:
            token = self.peek()
            power = BINDING.get(token.text, 0) if token.kind in ("sign", "name") else 0
            if power <= binding:
                break
            steps += 1
            if steps > DEEPEST * 4:
                raise PathError(f"FHIRPath: more than {DEEPEST * 4} operators in a row: {self.text[:200]!r}.")
            self.next()
            if token.text in ("is", "as"):
                left = TypeTest(token.text, left, self.type_name())
            else:
                left = Binary(token.text, left, self.expression(power))
        self.depth -= 1
        return left

    def prefix(self) -> Tree:
        if self.is_sign("+") or self.is_sign("-"):
            return Unary(self.next().text, self.expression(_SIGN - 1))
        left = self.term()
        steps = 0
        while True:
            steps += 1
            if steps > DEEPEST * 4:
                raise PathError(f"FHIRPath: a path of more than {DEEPEST * 4} steps: {self.text[:200]!r}.")
            if self.is_sign("."):
                self.next()
                left = Dot(left, self.invocation())
            elif self.is_sign("["):
                self.next()
                left = Index(left, self.expression())
                self.expect("]")
            else:
                return left

    def term(self) -> Tree:
        token = self.peek()
        if token.kind == "sign" and token.text == "(":
            self.next()
            inner = self.expression()
            self.expect(")")
            return inner
        if token.kind == "sign" and token.text == "{":
            self.next()
            self.expect("}")
            return Empty()
        if token.kind == "number":
            self.next()
            unit = self.peek()
            if unit.kind == "string" or (unit.kind == "name" and unit.text in _UNITS):
                self.next()
                return Literal("quantity", token.text, unit.text)
            return Literal("number", token.text)
        if token.kind in ("string", "date", "datetime", "time"):
            self.next()
            return Literal(token.kind, token.text if token.kind == "string" else token.text[1:])
        if token.kind == "name" and token.text in ("true", "false"):
            self.next()
            return Literal("boolean", token.text)
        if token.kind == "variable":
            self.next()
            return Variable(token.text)
        return self.invocation()

    def invocation(self) -> Name | Call | Special:
        token = self.next()
        if token.kind == "special":
            return Special(token.text)
        if token.kind not in ("name", "quoted"):
            raise self.wrong(token, "a name")
        if self.is_sign("("):
            self.next()
            args: list[Tree] = []
            if not self.is_sign(")"):
                args.append(self.expression())
                while self.is_sign(","):
                    self.next()
                    args.append(self.expression())
            self.expect(")")
            return Call(token.text, tuple(args))
        if token.kind == "name" and token.text in BINDING and token.text not in _ALSO_NAMES:
            raise self.wrong(token, "a name")
        return Name(token.text)

    def type_name(self) -> str:
        token = self.next()
        if token.kind not in ("name", "quoted"):
            raise self.wrong(token, "a type's name")
        name = token.text
        while self.is_sign("."):
            self.next()
            token = self.next()
            if token.kind not in ("name", "quoted"):
                raise self.wrong(token, "a type's name")
            name += "." + token.text
        return name


def parse(text: str) -> Tree:
    """The tree of one expression. PathError says what was expected where."""
    p = _Parser(text)
    tree = p.expression()
    if p.peek().kind != "end":
        raise p.wrong(p.peek(), "an operator or the end")
    return tree


def type_of(tree: Tree) -> str:
    """The type's name that an argument of is(), as() or ofType() spells."""
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Dot) and isinstance(tree.right, Name):
        return type_of(tree.left) + "." + tree.right.name
    if isinstance(tree, Literal) and tree.kind == "string":
        return tree.text
    raise PathError("FHIRPath: is(), as() and ofType() take the name of a type.")
