-- The text of a function that CREATE_FUNCTION makes: task, model reference, and the schema in which
-- exallm is installed.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT FUNCTION_BODY (
    task VARCHAR(20),
    model_reference VARCHAR(200),
    registry_schema VARCHAR(128)
)
RETURNS VARCHAR(2000000) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.function_body import FunctionBody
function_body = FunctionBody()
def run(ctx):
    return function_body.run(ctx)
/

COMMENT ON SCRIPT FUNCTION_BODY IS 'The body of a function for analysts: task, model reference, schema of exallm.';
