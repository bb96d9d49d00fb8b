-- The article's function: one text in, one answer out, by the model qa@champion.
-- Loaded once in each process, with the first row that has text. A process of a 135M model takes
-- about 0.7 GB; the option line bounds how many of them one call starts on a node.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT GPT2_INFERENCE (ctx VARCHAR(2000000))
RETURNS VARCHAR(2000000) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.inference import Inference
inference = Inference(exa, "qa@champion")
def run(ctx):
    return inference.run(ctx)
def cleanup():
    inference.close()
/

COMMENT ON SCRIPT GPT2_INFERENCE IS 'The answer of the model qa@champion to a text; NULL where there is none.';

-- The same for volume: GPT2_INFERENCE_BATCH(row_id, ctx [, options]), one row out for each row in.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT GPT2_INFERENCE_BATCH (...)
EMITS (
    row_id VARCHAR(2000000),
    generated_text VARCHAR(2000000),
    finish_reason VARCHAR(20),
    model_version VARCHAR(80),
    prompt_tokens DECIMAL(18, 0),
    completion_tokens DECIMAL(18, 0),
    latency_ms DOUBLE,
    error_code VARCHAR(30),
    error_message VARCHAR(2000)
) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.inference import InferenceBatch
inference = InferenceBatch(exa, "qa@champion")
def run(ctx):
    inference.run(ctx)
def cleanup():
    inference.close()
/

COMMENT ON SCRIPT GPT2_INFERENCE_BATCH IS 'Answers of the model qa@champion in batches: row_id, ctx [, options].';
