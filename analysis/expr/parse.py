"""Tokens → tree, by operator precedence."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from analysis.expr.errors import ExprError
from analysis.expr.syntax import (
    Binary,
    Call,
    Chain,
    Conditional,
    Element,
    Let,
    ListLiteral,
    Literal,
    MapLiteral,
    Member,
    Name,
    Node,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from analysis.expr.tokens import WORD_OPERATORS, Sort, Token, tokenise

MAX_DEPTH: Final = 100

UNARY: Final[Mapping[str, int]] = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY: Final[Mapping[str, int]] = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    **dict.fromkeys(("==", "!=", "<", ">", ">=", "<=", "in", "matches", "contains", "startsWith", "endsWith"), 20),
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
COMPARISONS: Final = frozenset({"<", ">", "<=", ">="})
NEGATABLE: Final = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
# Builtins whose argument at this place is evaluated once per element.
PREDICATE_AT: Final[Mapping[str, int]] = dict.fromkeys(
    (
        *("all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex"),
        *("count", "sum", "groupBy", "sortBy", "reduce"),
    ),
    1,
)


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The tree of *text*. Raises ExprError; cached, so a condition is read once, however often it is asked."""
    return _Parser(tokenise(text)).whole()


class _Parser:
    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._predicates = 0

    def whole(self) -> Node:
        node = self._sequence()
        if self._now.sort is not Sort.EOF:
            raise ExprError(f"unexpected token {self._now}")
        return node

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._now
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _is(self, text: str) -> bool:
        return self._now.text == text and self._now.sort in (Sort.OPERATOR, Sort.BRACKET)

    def _take(self, text: str) -> bool:
        if found := self._is(text):
            self._next()
        return found

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise ExprError(f"unexpected token {self._now}")

    def _expect_name(self) -> str:
        if self._now.sort is not Sort.NAME:
            raise ExprError(f"unexpected token {self._now}")
        return self._next().text

    @contextmanager
    def _deeper(self, levels: int = 1) -> Iterator[None]:
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise ExprError(f"expression is nested more than {MAX_DEPTH} levels deep")
        yield
        self._depth -= levels

    def _sequence(self) -> Node:
        parts = [self._expression()]
        while self._take(";"):
            parts.append(self._expression())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _expression(self) -> Node:
        with self._deeper():
            if self._take("let"):
                return self._let()
            if self._take("if"):
                return self._if()
            return self._conditional(self._operation(0))

    def _let(self) -> Node:
        name = self._expect_name()
        self._expect("=")
        value = self._expression()
        self._expect(";")
        return Let(name, value, self._sequence())

    def _if(self) -> Node:
        test = self._expression()
        yes = self._block()
        self._expect("else")
        if self._take("if"):
            return Conditional(test, yes, self._if())
        return Conditional(test, yes, self._block())

    def _block(self) -> Node:
        self._expect("{")
        node = self._sequence()
        self._expect("}")
        return node

    def _conditional(self, test: Node) -> Node:
        while self._take("?"):
            if self._take(":"):
                test = Conditional(test, test, self._expression())
                continue
            yes = self._expression()
            self._expect(":")
            test = Conditional(test, yes, self._expression())
        return test

    def _operation(self, lowest: int) -> Node:
        left = self._primary()
        before = ""
        levels = 0
        while (found := self._operator(lowest)) is not None:
            operator, negated = found
            if before == "??" and operator not in ("??", "|"):
                raise ExprError(
                    f"Operator ({operator}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses."
                )
            levels += 1
            with self._deeper(levels):
                left = self._combined(left, operator)
            left = Unary("not", left) if negated else left
            before = operator
        return left

    def _operator(self, lowest: int) -> tuple[str, bool] | None:
        """Take the next operator, if it binds as tightly as *lowest*; with it whether `not` stands before it."""
        if self._now.sort is not Sort.OPERATOR:
            return None
        negated = self._is("not")
        token = self._tokens[self._at + 1] if negated else self._now
        if negated and token.text not in NEGATABLE:
            raise ExprError(f"unexpected token {token}")
        if BINARY.get(token.text, -1) < lowest:
            return None
        self._at += 2 if negated else 1
        return token.text, negated

    def _combined(self, left: Node, operator: str) -> Node:
        if operator == "|":
            return self._postfix(self._call(self._expect_name(), (left,)))
        binding = BINARY[operator]
        if operator in COMPARISONS:
            return self._comparison(left, operator)
        right = self._operation(binding if operator in ("**", "^") else binding + 1)
        return Binary(operator, left, right)

    def _comparison(self, left: Node, operator: str) -> Node:
        """`a < b < c` means `a < b && b < c`."""
        binding = BINARY[operator] + 1
        right = self._operation(binding)
        node: Node = Binary(operator, left, right)
        while self._now.sort is Sort.OPERATOR and self._now.text in COMPARISONS:
            operator, left = self._next().text, right
            with self._deeper():
                right = self._operation(binding)
            node = Binary("&&", node, Binary(operator, left, right))
        return node

    def _primary(self) -> Node:
        with self._deeper():
            token = self._now
            if token.sort is Sort.OPERATOR and token.text in UNARY:
                self._next()
                return self._postfix(Unary(token.text, self._operation(UNARY[token.text])))
            if self._take("("):
                node = self._sequence()
                self._expect(")")
                return self._postfix(node)
            return self._postfix(self._element() if self._predicates and self._at_element() else self._atom())

    def _at_element(self) -> bool:
        return self._is("#") or self._is(".")

    def _element(self) -> Node:
        if self._is("."):
            return Element()
        self._next()
        return Element(self._next().text if self._now.sort is Sort.NAME else "")

    def _atom(self) -> Node:
        if self._is("["):
            return self._list()
        if self._is("{"):
            return self._map()
        token = self._next()
        match token.sort:
            case Sort.NUMBER:
                return Literal(_number(token.text))
            case Sort.STRING:
                return Literal(token.text)
            case Sort.NAME if token.text in _CONSTANTS:
                return Literal(_CONSTANTS[token.text])
            case Sort.NAME:
                return self._call(token.text, ()) if self._is("(") else Name(token.text)
        raise ExprError(f"unexpected token {token}")

    def _list(self) -> Node:
        return ListLiteral(self._items("[", "]", self._expression))

    def _map(self) -> Node:
        pairs: list[tuple[Node, Node]] = []
        self._expect("{")
        while not self._take("}"):
            if pairs:
                self._expect(",")
                if self._take("}"):
                    break
            key = self._key()
            self._expect(":")
            pairs.append((key, self._expression()))
        return MapLiteral(tuple(pairs))

    def _key(self) -> Node:
        if self._now.sort in (Sort.NAME, Sort.STRING, Sort.NUMBER):
            return Literal(self._next().text)
        if self._take("("):
            node = self._expression()
            self._expect(")")
            return node
        raise ExprError(
            "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses "
            f"(unexpected token {self._now})"
        )

    def _items(self, start: str, end: str, item: Callable[[], Node]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        self._expect(start)
        while not self._take(end):
            if nodes:
                self._expect(",")
                if self._take(end):
                    break
            nodes.append(item())
        return tuple(nodes)

    def _call(self, name: str, piped: tuple[Node, ...]) -> Node:
        """Arguments of *name*; the one at PREDICATE_AT may use `#`."""
        at = PREDICATE_AT.get(name)
        arguments = list(piped)

        def argument() -> Node:
            node = self._predicate() if len(arguments) == at else self._expression()
            arguments.append(node)
            return node

        self._items("(", ")", argument)
        return Call(name, tuple(arguments))

    def _predicate(self) -> Node:
        self._predicates += 1
        body = self._block() if self._is("{") else self._expression()
        self._predicates -= 1
        return Predicate(body)

    def _postfix(self, node: Node) -> Node:
        levels = 0
        has_optional = False
        while True:
            levels += 1
            with self._deeper(levels):
                if self._is(".") or self._is("?."):
                    optional = self._next().text == "?."
                    has_optional = has_optional or optional
                    node = self._optional_index(node) if optional and self._is("[") else self._dotted(node, optional)
                elif self._take("["):
                    node = self._bracketed(node)
                else:
                    return Chain(node) if has_optional else node

    def _dotted(self, base: Node, optional: bool) -> Node:
        token = self._next()
        if token.sort is not Sort.NAME and token.text not in WORD_OPERATORS:
            raise ExprError("expected name")
        return Member(base, Literal(token.text), optional)

    def _optional_index(self, base: Node) -> Node:
        self._expect("[")
        index = self._expression()
        self._expect("]")
        return Member(base, index, optional=True)

    def _bracketed(self, base: Node) -> Node:
        if self._take(":"):
            return self._slice_end(base, None)
        start = self._expression()
        if self._take(":"):
            return self._slice_end(base, start)
        self._expect("]")
        return Member(base, start)

    def _slice_end(self, base: Node, start: Node | None) -> Node:
        end = None if self._is("]") else self._expression()
        self._expect("]")
        return Slice(base, start, end)


_CONSTANTS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "nil": None}


def _number(text: str) -> int | float:
    prefix = text[:2].lower()
    bases = {"0x": 16, "0b": 2, "0o": 8}
    if prefix in bases:
        value: int | float = int(text[2:], bases[prefix])
    else:
        value = float(text) if any(sign in text for sign in ".eE") else int(text)
    if isinstance(value, int) and value >= 2**63:
        raise ExprError("integer literal is too large")
    return value
