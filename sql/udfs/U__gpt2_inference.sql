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
