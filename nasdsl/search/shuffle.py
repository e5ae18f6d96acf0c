"""All whole numbers below a size in an order that looks random, without keeping it.

Purpose: draws without replacement from spaces of any size, with no state but a position.
Non-goals: secrecy.
"""

from hashlib import blake2b

#: Four rounds with good round functions make a permutation that no cheap test tells from a
#: random one (Luby and Rackoff, 1988).
_ROUNDS = 4


def shuffled(position: int, size: int, seed: int) -> int:
    """The number at `position` of the order of `range(size)` that belongs to `seed`.

    A Feistel network permutes the numbers of an even count of bits. Those that fall outside
    the range are permuted again until they fall inside, which keeps it a permutation of the
    range (cycle walking; Black and Rogaway, 2002).

    Raises:
        IndexError: `position` is not in the range.
    """
    if not 0 <= position < size:
        raise IndexError(f"position {position} is outside range({size})")
    half = ((size - 1).bit_length() + 1) // 2
    found = _permuted(position, half, seed)
    while found >= size:
        found = _permuted(found, half, seed)
    return found


def _permuted(number: int, half: int, seed: int) -> int:
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        left, right = right, left ^ (_mixed(f"{seed} {turn} {right}", half) & mask)
    return left << half | right


def _mixed(text: str, bits: int) -> int:
    found = 0
    # A digest has at most 512 bits, and nothing bounds the size of a space.
    for block in range(bits // 512 + 1):
        digest = blake2b(text.encode(), salt=block.to_bytes(16, "big")).digest()
        found = found << 512 | int.from_bytes(digest, "big")
    return found
