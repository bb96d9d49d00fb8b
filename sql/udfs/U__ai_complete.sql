-- What a model writes after a prompt: AI_COMPLETE(model, prompt [, options]).

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT AI_COMPLETE (...)
RETURNS VARCHAR(2000000) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.ai_complete import AiComplete
ai_complete = AiComplete(exa)
def run(ctx):
    return ai_complete.run(ctx)
def cleanup():
    ai_complete.close()
/

COMMENT ON SCRIPT AI_COMPLETE IS 'What a model writes after a prompt: model, prompt [, options].';

-- The same for volume: AI_COMPLETE_BATCH(row_id, model, prompt [, options]).

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT AI_COMPLETE_BATCH (...)
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
from exallm_udfs.functions.ai_complete import AiCompleteBatch
ai_complete = AiCompleteBatch(exa)
def run(ctx):
    ai_complete.run(ctx)
def cleanup():
    ai_complete.close()
/

COMMENT ON SCRIPT AI_COMPLETE_BATCH IS 'Completions in batches: row_id, model, prompt [, options].';
