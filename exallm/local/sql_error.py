"""The error that a client of the embedded engine sees."""


class SqlError(Exception):
    """An error with Exasol's SQL code and text, as the protocol carries it.

    :param code: five characters, as Exasol's own: ``42000`` for syntax and access, ``22001`` for a
        value that is too long, ``40001`` for a conflict, ``R0001`` for a timeout, ``R0003`` for
        an abort, ``0A000`` for what the embedded engine does not support.
    :param text: what the client shows to its user.
    """

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"[{code}] {text}")
