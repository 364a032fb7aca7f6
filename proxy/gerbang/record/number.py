"""Decision numbers: short enough to say on the telephone, and a slip of the tongue shows.

Eleven characters of 32 (no I, L, O, U) and a check character, in three groups: `7K3M-9Q2X-4TBG`.
The check is a polynomial over GF(32): one wrong character and any two characters that changed
places are always found. 55 random bits: among ten million decisions a double has a chance of
about one in a thousand, and the record does not rest on the number being unique.

>>> decision_number(bytes(7))
'0000-0000-0000'
>>> check_number("7k3m 9q2x 4tbg")
'7K3M-9Q2X-4TBG'
>>> check_number("7k3m 9q2x 4btg") or "a slip"
'a slip'
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
_READ_AS = str.maketrans("OIL", "011", "- \t")
_DATA = 11


def decision_number(random: bytes) -> str:
    """The number made of 7 or more random bytes, of which 55 bits are used."""
    if len(random) < 7:
        raise ValueError("a decision number takes 7 random bytes")
    bits = int.from_bytes(random[:7]) & (2**55 - 1)
    values = [bits >> 5 * place & 31 for place in reversed(range(_DATA))]
    values.append(_times_alpha(_remainder(values)))
    letters = "".join(ALPHABET[value] for value in values)
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def check_number(text: str) -> str | None:
    """The number as it is written in the record, or `None` where it is mistyped.

    Small letters, spaces and dashes do not matter; O is read as 0, I and L as 1.
    """
    if len(text) > 40:
        return None
    letters = text.strip().upper().translate(_READ_AS)
    if len(letters) != _DATA + 1 or any(letter not in _VALUE for letter in letters):
        return None
    if _remainder([_VALUE[letter] for letter in letters]) != 0:
        return None
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def _times_alpha(value: int) -> int:
    """Times a generator of GF(32) (x^5 + x^2 + 1): of order 31, so no two places weigh the same."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def _remainder(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _times_alpha(total) ^ value
    return total
