"""Links to the playground: a text in the fragment of an address, which no browser sends anywhere.

The fragment is `#c=`, then the text in UTF-8, compressed (DEFLATE without a header, RFC 1951), as
URL-safe base64 without padding (RFC 4648). `playground/src/link.js` reads and writes the same.
"""

import base64
import binascii
import zlib

_KEY = "#c="
#: Bytes of a text that a link carries, compressed or not.
LONGEST = 400_000


def fragment(text: str) -> str:
    """The fragment that carries a text, with its `#`."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = packed.compress(text.encode("utf-8", "replace")) + packed.flush()
    return _KEY + base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def text_of(fragment: str) -> str | None:
    """The text that a fragment carries; None where it carries none, or one that is too long."""
    content = fragment.removeprefix(_KEY)
    if content == fragment or len(content) > LONGEST:
        return None
    try:
        packed = base64.b64decode(content + "=" * (-len(content) % 4), b"-_", validate=True)
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        text = unpacking.decompress(packed, LONGEST)
        return text.decode("utf-8") if unpacking.eof else None
    except (binascii.Error, zlib.error, ValueError):
        return None
