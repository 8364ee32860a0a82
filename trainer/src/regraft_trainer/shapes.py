"""Dataclasses from JSON. Strict: an unknown key is a problem, and all problems are collected."""

import difflib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, TypeVar, get_type_hints

Shape = TypeVar("Shape")


@dataclass(frozen=True)
class Rule:
    """What a value has to be: the words for it, and the test."""

    expected: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Nested:
    """A value that is an object of this dataclass, or null where that is allowed."""

    shape: type
    or_null: bool = False


def integer(at_least: int, at_most: int | None = None) -> Rule:
    words = f"an integer of at least {at_least}" + ("" if at_most is None else f" and at most {at_most}")
    return Rule(words, lambda v: type(v) is int and v >= at_least and (at_most is None or v <= at_most))


def number(words: str, holds: Callable[[float], bool]) -> Rule:
    return Rule(f"a number {words}", lambda v: type(v) in (int, float) and math.isfinite(v) and holds(v))


def boolean() -> Rule:
    return Rule("true or false", lambda v: type(v) is bool)


def one_of(*names: str) -> Rule:
    return Rule(" or ".join(f'"{name}"' for name in names), lambda v: v in names)


def either(*rules: Rule) -> Rule:
    return Rule(" or ".join(rule.expected for rule in rules), lambda v: any(rule.holds(v) for rule in rules))


NULL = Rule("null", lambda v: v is None)


def read_shape(shape: type[Shape], value: object, prefix: str, problems: list[str]) -> Shape | None:
    """An instance from parsed JSON, whose keys are the fields in camelCase; None when anything is wrong.

    What is wrong is appended to `problems`. A field is annotated with the Rules it must keep, or with Nested.
    """
    if not isinstance(value, Mapping):
        problems.append(f"{prefix.rstrip('.') or 'the job'} is {shown(value)}, expected an object")
        return None
    before = len(problems)
    known = {camel_case(f.name): f for f in fields(shape)}  # type: ignore[arg-type]
    problems.extend(_unknown(key, prefix, list(known)) for key in value if key not in known)
    hints = get_type_hints(shape, include_extras=True)
    arguments: dict[str, Any] = {}
    for key, field in known.items():
        meta = getattr(hints[field.name], "__metadata__", ())
        if key not in value:
            if _is_required(field):
                rules = [rule for rule in meta if isinstance(rule, Rule)]
                problems.append(f"{prefix}{key} is missing, expected {rules[0].expected if rules else 'an object'}")
            continue
        arguments[field.name] = _read_value(value[key], meta, f"{prefix}{key}", problems)
    return None if len(problems) > before else shape(**arguments)


def _read_value(value: object, meta: tuple[object, ...], name: str, problems: list[str]) -> object:
    for rule in meta:
        if isinstance(rule, Nested):
            return None if value is None and rule.or_null else read_shape(rule.shape, value, f"{name}.", problems)
        if isinstance(rule, Rule) and not rule.holds(value):
            problems.append(f"{name} is {shown(value)}, expected {rule.expected}")
    return tuple(value) if isinstance(value, list) else value


def shown(value: object) -> str:
    """A value as JSON, cut when long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _unknown(key: str, prefix: str, known: list[str]) -> str:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), list(lower), n=1, cutoff=0.5)
    hint = f"did you mean {lower[near[0]]}?" if near else f"known are {', '.join(known)}"
    return f"{prefix}{key} is unknown; {hint}"


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
