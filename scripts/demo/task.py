"""The demo's little language: strings of five letters a-j, six skills a base model learns, one task it is tuned on.

One character is one token. A pretraining line is BOS and two segments `K x1..x5=y1..y5;`, K naming the skill; a
fine-tuning row is `?x1..x5>` with the letters in descending order as its completion.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

PADDING, BEGIN, END = "<pad>", "<bos>", "<eos>"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789+-=>?;:.CRSNPMX#"
VOCABULARY_SIZE = 64

LETTERS = "abcdefghij"
STRING_LENGTH = 5

TEST_ONE_IN = 10
"""One in so many of all strings is for testing only; a hash of the string says which."""

# From letters as numbers 0-9 to letters as numbers 0-9.
SKILLS: dict[str, Callable[[Sequence[int]], list[int]]] = {
    "C": list,
    "R": lambda x: list(reversed(x)),
    "S": sorted,
    "N": lambda x: [(letter + 1) % len(LETTERS) for letter in x],
    "P": lambda x: [(letter - 1) % len(LETTERS) for letter in x],
    "M": lambda x: list(accumulate(x, max)),
}


def vocabulary() -> dict[str, int]:
    """Token to id: padding 0, begin 1, end 2, the characters, and fillers that never occur."""
    tokens = [PADDING, BEGIN, END, *CHARACTERS]
    tokens += [f"<unused{i}>" for i in range(VOCABULARY_SIZE - len(tokens))]
    return {token: number for number, token in enumerate(tokens)}


def segment(skill: str, x: Sequence[int]) -> str:
    """One pretraining segment, 13 characters."""
    return f"{skill}{_text(x)}={_text(SKILLS[skill](x))};"


def row(x: Sequence[int]) -> dict[str, str]:
    """One fine-tuning example."""
    return {"prompt": f"?{_text(x)}>", "completion": _text(sorted(x, reverse=True))}


def is_test(x: Sequence[int]) -> bool:
    """True for strings that no fine-tune may see."""
    code = sum(letter * len(LETTERS) ** place for place, letter in enumerate(x))
    return code * 2654435761 % 2**32 % TEST_ONE_IN == 0


def _text(x: Sequence[int]) -> str:
    return "".join(LETTERS[letter] for letter in x)
