-- The rows of the registry's tables as the one text that the script REGISTRY holds.
-- Kinds are VERSION (all but the alias) and ALIAS (model, version and alias); rows without a kind
-- are passed over, so that one such row compiles a registry that has no models.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT COMPILE_REGISTRY (
    kind VARCHAR(10),
    model VARCHAR(63),
    model_version DECIMAL(9, 0),
    alias VARCHAR(63),
    package_path VARCHAR(2000),
    sha256 VARCHAR(64)
)
RETURNS VARCHAR(2000000) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.compile_registry import CompileRegistry
compile_registry = CompileRegistry()
def run(ctx):
    return compile_registry.run(ctx)
/

COMMENT ON SCRIPT COMPILE_REGISTRY IS 'The registry as base64 text, made from rows of kind VERSION and ALIAS.';
