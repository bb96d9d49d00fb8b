-- Reads every byte of a model package on the node that runs it and compares it with what was
-- registered. Spread a seed table over the nodes, and compare the node ids that come back with
-- the nodes that the cluster has.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT VERIFY_PACKAGE (package_path VARCHAR(2000), sha256 VARCHAR(64))
EMITS (node_id DECIMAL(9, 0), file_path VARCHAR(2000), problem VARCHAR(2000)) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.verify_package import VerifyPackage
verify_package = VerifyPackage(exa)
def run(ctx):
    verify_package.run(ctx)
/

COMMENT ON SCRIPT VERIFY_PACKAGE IS 'A row for each problem of a model package on a node; one row without a problem where it is whole.';
