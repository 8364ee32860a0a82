"""What an exception that no one expected means: the machine's limits have codes of their own."""

import errno
from collections.abc import Iterator

from regraft_trainer.errors import DiskFullError, OutOfMemoryError, TrainerError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# torch and safetensors write from C++ and Rust and tell it in words; torch only says that a write fell short.
FULL_WORDS = ("No space left", "Disk quota exceeded", "File too large")
FULL_WORDS += ("PytorchStreamWriter failed writing", "iostream error", ". unexpected pos ")
FULL_WORDS += tuple(f"os error {number}" for number in FULL)
MEMORY_WORDS = ("out of memory", "can't allocate memory", "Cannot allocate memory")


def classify(error: Exception) -> TrainerError | None:
    """The error for error.json; None when it is none of the known kinds."""
    if isinstance(error, TrainerError):
        return error
    chain = list(_with_causes(error))
    for cause in chain:
        if _is_disk_full(cause):
            return DiskFullError(f"there is no room left to write ({_words(cause)}); free some, then start again.")
    for cause in chain:
        if isinstance(cause, MemoryError):
            return OutOfMemoryError("the machine ran out of memory; lower recipe.microBatchSize.")
        if type(cause).__name__ == "OutOfMemoryError" or any(words in str(cause) for words in MEMORY_WORDS):
            return OutOfMemoryError(f"out of memory; lower recipe.microBatchSize ({_words(cause)}).")
    return None


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return not isinstance(error, MemoryError) and any(words in str(error) for words in FULL_WORDS)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
