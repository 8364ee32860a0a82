"""Prints how many values of a model are not what they have to be, of how many.

    python count_values_off.py FOUND EXPECTED

Compared by bits, so that -0 and 0 differ. A tensor that is missing, too much, or of another dtype or shape is off in
every value.
"""

import sys
from pathlib import Path

import numpy as np
from model_files import StoredTensor, read_tensors

PIECE = 1 << 20


def main(found_folder: Path, expected_folder: Path) -> None:
    found, expected = read_tensors(found_folder), read_tensors(expected_folder)
    off = sum(tensor.count for name, tensor in found.items() if name not in expected)
    for name, tensor in expected.items():
        other = found.get(name)
        comparable = other is not None and (other.dtype, other.shape) == (tensor.dtype, tensor.shape)
        off += count_off(other, tensor) if comparable else tensor.count
    print(off, sum(tensor.count for tensor in expected.values()))


def count_off(found: StoredTensor, expected: StoredTensor) -> int:
    off = 0
    with found.path.open("rb") as a, expected.path.open("rb") as b:
        a.seek(found.offset)
        b.seek(expected.offset)
        for begin in range(0, expected.count, PIECE):
            count = min(PIECE, expected.count - begin)
            left, right = np.fromfile(a, np.uint16, count), np.fromfile(b, np.uint16, count)
            if len(right) != count:
                raise SystemExit(f"{expected.path}: ends too early; remove the folder so that it is made again.")
            off += int(np.count_nonzero(left != right[: len(left)])) + count - len(left)
    return off


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
