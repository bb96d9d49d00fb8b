"""The one error of the project and the table of its codes.

A code never changes its meaning: people search for it. ``docs/errors.md`` shows the same table,
and a test holds the two and the code together.
"""

# One row a code: what it means in general. The text of an error adds the particulars.
ERRORS: dict[str, str] = {
    # SQL: what a caller of a function or script handed over
    # MODEL: packages, registry, model references
    # ROW: one row of a batch
    # DEPLOY: installer, connections, BucketFS
    # SLC: the script-language container
    # DATA: documents and tables that are read
    # LOCAL 1-19: embedded engine, process and protocol
    # LOCAL 20-39: embedded engine, UDF scripts and their workers
    # LOCAL 40-59: embedded engine, Lua scripts and BucketFS
    # LOCAL 60-89: embedded engine, SQL
}


class ExallmError(Exception):
    """An error that a person can act on: ``CODE: what is wrong; what to do``.

    :param code: a key of :data:`ERRORS`, as ``E-EXALLM-MODEL-1``.
    :param problem: what is wrong, in one line, without a full stop.
    :param remedy: what to do about it, in one line, without a full stop.
    """

    def __init__(self, code: str, problem: str, remedy: str) -> None:
        if code not in ERRORS:
            raise KeyError(f"{code} is not in the error table")
        self.code = code
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{code}: {problem}; {remedy}")
