"""Which side of the split a document falls to."""

from __future__ import annotations

import hashlib


def is_validation(document: str, share: float, seed: int) -> bool:
    """Whether the document of that name is for validation.

    Its name and the seed alone decide, so that documents which are added or taken away move no
    other, and equal names fall to the same side whatever source they are from.
    """
    digest = hashlib.sha256(f"{seed}\n{document}".encode("utf-8", errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
