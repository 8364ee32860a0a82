"""bfloat16 in numpy, which has no such type: bit patterns in uint16.

Shares nothing with the engine that is measured, so that agreement means something.
"""

import numpy as np

SIGNIFICAND_BITS = 8  # the leading one counted
SMALLEST_EXPONENT = -126  # below it the distance between neighbours stays the same: subnormal numbers


def widen(bits: np.ndarray) -> np.ndarray:
    """The values of bfloat16 bit patterns, as float64; exact."""
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def round_once(values: np.ndarray) -> np.ndarray:
    """The bfloat16 bit patterns nearest to float64 values, ties to even, overflow to infinity.

    Rounded once: by way of float32, as torch goes, 1 + 2^-8 + 2^-40 becomes 1.0 and not the nearer 1.0078125.
    """
    exponents = ((values.view(np.int64) >> 52) & 0x7FF) - 1023
    np.maximum(exponents, SMALLEST_EXPONENT, out=exponents)
    # 2^(distance between neighbours), written as a float64 by its exponent field; multiples of it are exact.
    steps = ((exponents + (1023 - SIGNIFICAND_BITS + 1)) << 52).view(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.where(np.isfinite(values), np.rint(values / steps) * steps, values)
        # Exact now but for overflow, so that float32 changes nothing and its lower half is empty.
        return (rounded.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
