-- What the container of each node holds: versions, engines, CPU features, GPUs. Spread NODE_SEED over
-- the nodes: SELECT CONTAINER_REPORT(SEED) FROM NODE_SEED GROUP BY IPROC().

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT CONTAINER_REPORT (seed DECIMAL(9, 0))
EMITS (node_id DECIMAL(9, 0), report VARCHAR(2000000)) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.container_report import ContainerReport
container_report = ContainerReport(exa)
def run(ctx):
    container_report.run(ctx)
/

COMMENT ON SCRIPT CONTAINER_REPORT IS 'One row of JSON for each node: versions, engines, CPU features and GPUs of its container.';
