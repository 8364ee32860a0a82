"""Prints the sha256 of files, computed by OpenSSL, as Node computes it too.

    python digest_files.py FILE...

Beside sha256sum: where that is built without OpenSSL, as Debian's is, it takes several times as long.
"""

import hashlib
import sys
from pathlib import Path

PIECE_BYTES = 1 << 20


def main(paths: list[Path]) -> None:
    piece = bytearray(PIECE_BYTES)
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(piece):
                digest.update(memoryview(piece)[:count])
        print(digest.hexdigest(), path)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
