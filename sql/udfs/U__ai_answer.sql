-- The answer to a question in its context: AI_ANSWER(question, context [, options]). The model is
-- qa@champion, unless the options name another one.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT AI_ANSWER (...)
RETURNS VARCHAR(2000000) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.ai_answer import AiAnswer
ai_answer = AiAnswer(exa, "qa@champion")
def run(ctx):
    return ai_answer.run(ctx)
def cleanup():
    ai_answer.close()
/

COMMENT ON SCRIPT AI_ANSWER IS 'The answer to a question in its context: question, context [, options]; NULL where there is none.';

-- The same for volume, with the place of the answer: AI_ANSWER_BATCH(row_id, question, context
-- [, options]). SUBSTR(context, start_pos, end_pos - start_pos + 1) is the answer.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT AI_ANSWER_BATCH (...)
EMITS (
    row_id VARCHAR(2000000),
    answer VARCHAR(2000000),
    start_pos DECIMAL(18, 0),
    end_pos DECIMAL(18, 0),
    score DOUBLE,
    grounded BOOLEAN,
    finish_reason VARCHAR(20),
    model_version VARCHAR(80),
    prompt_tokens DECIMAL(18, 0),
    completion_tokens DECIMAL(18, 0),
    latency_ms DOUBLE,
    error_code VARCHAR(30),
    error_message VARCHAR(2000)
) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.ai_answer import AiAnswerBatch
ai_answer = AiAnswerBatch(exa, "qa@champion")
def run(ctx):
    ai_answer.run(ctx)
def cleanup():
    ai_answer.close()
/

COMMENT ON SCRIPT AI_ANSWER_BATCH IS 'Answers with their places in batches: row_id, question, context [, options].';
