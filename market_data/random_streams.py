"""Random numbers that are looked up, not drawn: number k of a stream is number k, whatever else is asked.

A stream is named by a seed, what it is for, an item and a step; its key is the SHA-256 of these, its numbers are those
of the counter-based generator Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). So a
chunk of draws, fewer items or another order give the same numbers: common random numbers for free.

Here live streams, uniforms and normals. Every step works element by element (no matrix product, whose sums depend on
the shape), so that the same draw has the same bits in every chunk. What is drawn with them: `price_models`, `draws`.
"""

import hashlib
import json
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

type Floats = NDArray[np.float64]
type Words = NDArray[np.uint64]

WORDS_A_COUNT = 4
"""64-bit words that Philox gives for one value of its counter."""
DRAWS_MAX = 10_000_000
"""Draws of one request; an array of them by a thousand offers is already beyond any memory."""
SEED_MAX = 2**63 - 1
"""Seeds are whole numbers that every store and document can hold."""
UNIFORM_BITS = 53
"""Bits of a uniform: as many as a double holds."""


class DrawRange(NamedTuple):
    """Which draws are wanted: `size` of them from draw `first` on, under `seed`."""

    seed: int
    size: int
    first: int = 0


def draw_range(draws: object, seed: object, first: object = 0) -> DrawRange:
    """The draws first .. first + draws - 1.

    Raises:
        BadInput: a negative or oversized seed, count or start, all at once.
    """
    found: list[Finding] = []
    bounds = (("--seed", seed, 0, SEED_MAX), ("--draws", draws, 1, DRAWS_MAX), ("first", first, 0, DRAWS_MAX))
    sound = [_whole_within(value, least, most) for _, value, least, most in bounds]
    for (path, value, least, most), number in zip(bounds, sound, strict=True):
        if number is None:
            zh, en = f"应为 {least} 至 {most} 的整数", f"should be a whole number from {least} to {most}"
            found.append(fault("draw_range", zh, en, path=path, value=value))
    if found:
        raise BadInput(found)
    key, size, start = (number or 0 for number in sound)
    return DrawRange(key, size, start)


def _whole_within(value: object, least: int, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return None
    return int(value) if least <= value <= most else None


def words(wanted: DrawRange, name: str, item: str = "", step: int = 0) -> Words:
    """64 random bits a draw, shape (size,)."""
    text = json.dumps([wanted.seed, name, item, step], ensure_ascii=True)
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    skipped = wanted.first % WORDS_A_COUNT
    stream = np.random.Philox(key=key, counter=wanted.first // WORDS_A_COUNT)
    drawn: Words = stream.random_raw(skipped + wanted.size)
    return drawn[skipped:]


def uniforms(wanted: DrawRange, name: str, item: str = "", step: int = 0) -> Floats:
    """A uniform number a draw, strictly between 0 and 1, shape (size,)."""
    bits = words(wanted, name, item, step) >> np.uint64(64 - UNIFORM_BITS)
    middles: Floats = (bits.astype(np.float64) + 0.5) * 2.0**-UNIFORM_BITS
    return np.minimum(middles, 1 - 2.0**-UNIFORM_BITS)  # the last middle would round to 1


def integers(wanted: DrawRange, below: int, name: str, item: str = "", step: int = 0) -> NDArray[np.int64]:
    """A whole number from 0 to below - 1 a draw, shape (size,)."""
    found: NDArray[np.int64] = np.floor(uniforms(wanted, name, item, step) * below).astype(np.int64)
    return np.minimum(found, below - 1)


def normals(wanted: DrawRange, name: str, item: str = "", step: int = 0) -> Floats:
    """A standard normal number a draw, shape (size,): the inverse distribution at the stream's uniforms."""
    return normal_quantile(uniforms(wanted, name, item, step))


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split())


_CENTRE = (
    _floats(
        "3.3871328727963666080e0 1.3314166789178437745e2 1.9715909503065514427e3 1.3731693765509461125e4 "
        "4.5921953931549871457e4 6.7265770927008700853e4 3.3430575583588128105e4 2.5090809287301226727e3"
    ),
    _floats(
        "1.0 4.2313330701600911252e1 6.8718700749205790830e2 5.3941960214247511077e3 "
        "2.1213794301586595867e4 3.9307895800092710610e4 2.8729085735721942674e4 5.2264952788528545610e3"
    ),
)
_MIDDLE = (
    _floats(
        "1.42343711074968357734e0 4.63033784615654529590e0 5.76949722146069140550e0 3.64784832476320460504e0 "
        "1.27045825245236838258e0 2.41780725177450611770e-1 2.27238449892691845833e-2 7.74545014278341407640e-4"
    ),
    _floats(
        "1.0 2.05319162663775882187e0 1.67638483018380384940e0 6.89767334985100004550e-1 "
        "1.48103976427480074590e-1 1.51986665636164571966e-2 5.47593808499534494600e-4 1.05075007164441684324e-9"
    ),
)
_FAR = (
    _floats(
        "6.65790464350110377720e0 5.46378491116411436990e0 1.78482653991729133580e0 2.96560571828504891230e-1 "
        "2.65321895265761230930e-2 1.24266094738807843860e-3 2.71155556874348757815e-5 2.01033439929228813265e-7"
    ),
    _floats(
        "1.0 5.99832206555887937690e-1 1.36929880922735805310e-1 1.48753612908506148525e-2 "
        "7.86869131145613259100e-4 1.84631831751005468180e-5 1.42151175831644588870e-7 2.04426310338993978564e-15"
    ),
)


def normal_quantile(shares: Floats) -> Floats:
    """The standard normal number below which a share lies, to 16 digits (Wichura 1988, AS 241, PPND16)."""
    offset = shares - 0.5
    inside = np.clip(0.180625 - offset * offset, 0.0, None)
    centre = offset * _ratio(_CENTRE, inside)
    tail = np.sqrt(-np.log(np.minimum(shares, 1 - shares)))
    outer = np.where(tail <= 5, _ratio(_MIDDLE, tail - 1.6), _ratio(_FAR, tail - 5))
    found: Floats = np.where(np.abs(offset) <= 0.425, centre, np.where(offset < 0, -outer, outer))
    return found


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], at: Floats) -> Floats:
    above, below = (_polynomial(coefficients, at) for coefficients in polynomials)
    return above / below


def _polynomial(coefficients: tuple[float, ...], at: Floats) -> Floats:
    total = np.full_like(at, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * at + coefficient
    return total


_HART = (
    _floats(
        "220.206867912376 221.213596169931 112.079291497871 33.912866078383 "
        "6.37396220353165 0.700383064443688 0.0352624965998911"
    ),
    _floats(
        "440.413735824752 793.826512519948 637.333633378831 296.564248779674 "
        "86.7807322029461 16.064177579207 1.75566716318264 0.0883883476483184"
    ),
)


def normal_share(numbers: Floats) -> Floats:
    """The share of a standard normal distribution below a number (Hart 1968 after West 2005), to 15 digits.

    Numbers beyond 7 are read as 7: one draw in 10^11 is that far out.
    """
    size = np.minimum(np.abs(numbers), 7.0)
    upper = np.exp(-size * size / 2) * _ratio(_HART, size)
    found: Floats = np.where(numbers > 0, 1 - upper, upper)
    return found
