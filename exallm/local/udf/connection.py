"""A CONNECTION object, as a script gets it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Connection:
    """What ``exa.get_connection`` returns.

    :param type: ``password``.
    :param address: the text after TO.
    :param user: the text after USER, empty if there is none.
    :param password: the text after IDENTIFIED BY, empty if there is none; no repr shows it.
    """

    type: str
    address: str
    user: str
    password: str = field(repr=False)
