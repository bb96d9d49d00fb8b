-- The parts of a call of RUN_BATCH, or what is wrong with it. One row comes out.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT READ_RUN (
    function_name VARCHAR(2000000),
    source_query VARCHAR(2000000),
    target_table VARCHAR(2000000),
    settings VARCHAR(2000000)
)
EMITS (
    function_name VARCHAR(128),
    target_schema VARCHAR(128),
    target_table VARCHAR(128),
    model VARCHAR(63),
    alias_name VARCHAR(63),
    model_version DECIMAL(9, 0),
    function_options VARCHAR(2000000),
    chunk_rows DECIMAL(18, 0),
    budget_rows DECIMAL(18, 0),
    budget_tokens DECIMAL(18, 0),
    budget_seconds DOUBLE,
    stops_on_budget BOOLEAN,
    retry_errors BOOLEAN,
    dry_run BOOLEAN,
    problem VARCHAR(2000)
) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.read_run import ReadRun
read_run = ReadRun()
def run(ctx):
    read_run.run(ctx)
/

COMMENT ON SCRIPT READ_RUN IS 'Checks and parts of a call of RUN_BATCH: function, source query, target table, settings as JSON.';
