"""The one error of the project and the table of its codes.

A code never changes its meaning: people search for it. ``docs/errors.md`` shows the same table,
and a test holds the two and the code together.
"""

# One row a code: what it means in general. The text of an error adds the particulars.
ERRORS: dict[str, str] = {
    # SQL: what a caller of a function or script handed over
    "E-EXALLM-SQL-1": "options are not a JSON object",
    "E-EXALLM-SQL-2": "an option is unknown",
    "E-EXALLM-SQL-3": "an option has a wrong type or is outside its limits",
    "E-EXALLM-SQL-4": "a function got too few or too many arguments",
    "E-EXALLM-SQL-5": "an argument has a type that cannot be read as text",
    # MODEL: packages, registry, model references
    "E-EXALLM-MODEL-1": "a model name, alias, version or model reference is not well formed",
    "E-EXALLM-MODEL-2": "a package's path is not in a bucket",
    "E-EXALLM-MODEL-3": "the model is not registered",
    "E-EXALLM-MODEL-4": "the model has no such version",
    "E-EXALLM-MODEL-5": "the model has no such alias",
    "E-EXALLM-MODEL-6": "the compiled registry cannot be read",
    "E-EXALLM-MODEL-7": "a package has no manifest, so it is not whole",
    "E-EXALLM-MODEL-8": "a package's manifest is not valid",
    "E-EXALLM-MODEL-9": "a file may not go into a package",
    "E-EXALLM-MODEL-10": "a package is not the one that was registered",
    "E-EXALLM-MODEL-11": "a package's file is missing or has another size",
    "E-EXALLM-MODEL-12": "a GGUF file is broken or cut off",
    "E-EXALLM-MODEL-13": "the engine cannot load the model",
    "E-EXALLM-MODEL-14": "a package has no files for an engine of this container",
    "E-EXALLM-MODEL-15": "the registry's rows cannot be compiled",
    "E-EXALLM-MODEL-16": "a registry script got what is no JSON object of its settings",
    "E-EXALLM-MODEL-17": "a package differs on a node from what is to be registered",
    "E-EXALLM-MODEL-18": "a package was not checked on every node",
    "E-EXALLM-MODEL-19": "a manifest is of another model or version",
    "E-EXALLM-MODEL-20": "a version is registered with another package",
    "E-EXALLM-MODEL-21": "a model file cannot be fetched",
    "E-EXALLM-MODEL-22": "a model file is not the one that is known",
    "E-EXALLM-MODEL-23": "packages for converting a checkpoint are not installed",
    "E-EXALLM-MODEL-24": "the Hub does not give a checkpoint",
    "E-EXALLM-MODEL-25": "a checkpoint cannot be converted",
    "E-EXALLM-MODEL-26": "what was named is no model",
    "E-EXALLM-MODEL-27": "a model is larger than the memory of a process",
    "E-EXALLM-MODEL-28": "the container lacks an engine",
    "E-EXALLM-MODEL-29": "a LoRA adapter cannot be merged",
    # ROW: one row of a batch
    "E-EXALLM-ROW-1": "prompt and answer are longer than the model's context",
    "E-EXALLM-ROW-2": "the prompt has no tokens",
    "E-EXALLM-ROW-3": "the engine had no room to compute the row",
    "E-EXALLM-ROW-4": "the engine failed on the row",
    "E-EXALLM-ROW-5": "more rows failed than the options allow",
    # DEPLOY: installer, connections, BucketFS
    "E-EXALLM-DEPLOY-1": "the database refused a statement",
    "E-EXALLM-DEPLOY-2": "the installed package lacks its SQL files",
    "E-EXALLM-DEPLOY-3": "a statement of an SQL file has no end",
    "E-EXALLM-DEPLOY-4": "a name cannot be an identifier",
    "E-EXALLM-DEPLOY-5": "the database does not let us in",
    "E-EXALLM-DEPLOY-6": "BucketFS refused",
    "E-EXALLM-DEPLOY-7": "a secret is not in the environment",
    "E-EXALLM-DEPLOY-8": "a migration was edited after it had run",
    "E-EXALLM-DEPLOY-9": "the schema was installed by a later exallm",
    # SLC: the script-language container
    "E-EXALLM-SLC-1": "the script language of exallm's container is not active",
    # DATA: documents and tables that are read
    "E-EXALLM-DATA-1": "a file cannot be read as UTF-8 text",
    "E-EXALLM-DATA-2": "a file lacks a column",
    "E-EXALLM-DATA-3": "a row of a file cannot be used",
    # LOCAL 1-19: embedded engine, process and protocol
    "E-EXALLM-LOCAL-1": "the engine's port is in use",
    "E-EXALLM-LOCAL-2": "another engine runs on the same folder",
    "E-EXALLM-LOCAL-3": "the engine's database file does not open",
    "E-EXALLM-LOCAL-4": "the engine did not start",
    "E-EXALLM-LOCAL-5": "a command of the protocol is not supported",
    "E-EXALLM-LOCAL-6": "no engine is running",
    "E-EXALLM-LOCAL-7": "the disk refused to read or write",
    # LOCAL 20-39: embedded engine, UDF scripts and their workers
    "E-EXALLM-LOCAL-20": "run() of an EMITS script returned a value",
    "E-EXALLM-LOCAL-21": "A SCALAR script asked for all rows as a frame",
    "E-EXALLM-LOCAL-22": "A script's text has a lone surrogate, which UTF-8 cannot carry",
    "E-EXALLM-LOCAL-23": "A script's timestamp has a time zone",
    "E-EXALLM-LOCAL-24": "A UDF process ended unasked",
    "E-EXALLM-LOCAL-25": "A UDF process sent nothing for too long",
    "E-EXALLM-LOCAL-26": "A UDF process sent what the engine does not accept",
    "E-EXALLM-LOCAL-27": "A UDF process could not be started",
    "E-EXALLM-LOCAL-28": "exa.import_script found no such script",
    "E-EXALLM-LOCAL-29": "exa.get_connection found no such connection",
    "E-EXALLM-LOCAL-30": "A dynamic script cannot name its output columns",
    # LOCAL 40-59: embedded engine, Lua scripts and BucketFS
    "E-EXALLM-LOCAL-40": "a Lua script needs too much memory",
    "E-EXALLM-LOCAL-41": "a Lua script writes too much output",
    "E-EXALLM-LOCAL-42": "the BucketFS cannot listen on its port",
    "E-EXALLM-LOCAL-43": "the BucketFS is not set up as it must be",
    # LOCAL 60-89: embedded engine, SQL
    "E-EXALLM-LOCAL-60": "a statement or construct is not supported",
    "E-EXALLM-LOCAL-61": "a data type is not supported",
    "E-EXALLM-LOCAL-62": "an expression is not supported",
    "E-EXALLM-LOCAL-63": "a place for a script that EMITS rows is not supported",
    "E-EXALLM-LOCAL-64": "a value would be converted without being asked",
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
