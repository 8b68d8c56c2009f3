"""Text of an expression → tokens."""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from analysis.expr.errors import ExprError

MAX_LENGTH: Final = 4096


class Sort(StrEnum):
    """Sorts of token, with the names that error messages show."""

    NAME = "Identifier"
    NUMBER = "Number"
    STRING = "String"
    OPERATOR = "Operator"
    BRACKET = "Bracket"
    EOF = "EOF"


class Token(NamedTuple):
    """One token; of a string *text* is the value without quotes."""

    sort: Sort
    text: str

    def __str__(self) -> str:
        if self.sort is Sort.EOF:
            return "EOF"
        quoted = self.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.sort}("{quoted}")'


WORD_OPERATORS: Final = frozenset(
    {"in", "or", "and", "not", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"}
)

_SHAPE: Final = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
              |(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d][\w$]*|\$[\w$]*)
  | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`)
  | (?P<operator>\.\.|\?\.|\?\?|::|\*\*|&&|\|\||==|!=|<=|>=|/(?!\*)|[.?|\#!<>=*%^+\-,;:])
  | (?P<bracket>[()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SHORT_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
}


def tokenise(text: str) -> tuple[Token, ...]:
    """All tokens of *text*, the last one EOF. Raises ExprError."""
    if len(text) > MAX_LENGTH:
        raise ExprError(f"expression is longer than {MAX_LENGTH} characters")
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _SHAPE.match(text, at)
        if match is None:
            raise ExprError(_unreadable(text[at:]))
        at = match.end()
        if match.lastgroup != "blank":
            tokens.append(_token(match.lastgroup or "", match.group()))
    return (*tokens, Token(Sort.EOF, ""))


def _token(group: str, text: str) -> Token:
    match group:
        case "name" if text in WORD_OPERATORS:
            return Token(Sort.OPERATOR, text)
        case "name":
            return Token(Sort.NAME, text)
        case "number":
            return Token(Sort.NUMBER, text.replace("_", ""))
        case "string":
            return Token(Sort.STRING, _unquoted(text))
        case "bracket":
            return Token(Sort.BRACKET, text)
    return Token(Sort.OPERATOR, text)


def _unreadable(rest: str) -> str:
    if rest[0] in "'\"`":
        return "literal not terminated"
    if rest.startswith("/*"):
        return "unclosed comment"
    return f"unrecognized character: U+{ord(rest[0]):04X} '{rest[0]}'"


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1].replace("``", "`")
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[code]
    if len(code) == 1:
        raise ExprError("unable to unescape string")
    number = int(code, 8) if code.isdigit() and len(code) == 3 else int(code[1:], 16)
    if number > 0x10FFFF:
        raise ExprError("unable to unescape string")
    return chr(number)
