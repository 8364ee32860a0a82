"""JSON files that appear whole or not at all."""

import json
import os
from pathlib import Path


def write_json_atomically(path: Path, value: object) -> None:
    """Writes beside `path`, syncs to disk and renames over it. A second call replaces the first."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(value, file, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # the disk may be full: leave no half file on it
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
