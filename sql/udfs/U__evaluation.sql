-- Whether a table can be evaluated on, and its hash, which does not depend on the rows' order.
-- One row comes out: the problem is NULL where there is none, all else where there is one.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT CHECK_DATASET (
    task VARCHAR(20),
    row_id VARCHAR(2000),
    context VARCHAR(2000000),
    prompt VARCHAR(2000000),
    label VARCHAR(2000000)
)
EMITS (dataset_rows DECIMAL(18, 0), dataset_sha256 VARCHAR(64), problem VARCHAR(2000)) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.check_dataset import CheckDataset
check_dataset = CheckDataset()
def run(ctx):
    check_dataset.run(ctx)
/

COMMENT ON SCRIPT CHECK_DATASET IS 'Rows and hash of a labelled table, or the first problem of it.';

-- The options with which an evaluation asks: for the call, as they were given, and with all that the
-- package adds.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT EVALUATION_OPTIONS (
    task VARCHAR(20),
    model_reference VARCHAR(200),
    manifest VARCHAR(2000000),
    given_options VARCHAR(2000000)
)
EMITS (
    call_options VARCHAR(2000000),
    asked_options VARCHAR(2000000),
    decoding VARCHAR(2000000),
    problem VARCHAR(2000)
) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.evaluation_options import EvaluationOptions
evaluation_options = EvaluationOptions()
def run(ctx):
    evaluation_options.run(ctx)
/

COMMENT ON SCRIPT EVALUATION_OPTIONS IS 'The options of an evaluation as JSON, or what is wrong with them.';

-- What one answer is worth. For the task answer the label is a JSON list of texts, [] where the
-- context holds no answer; for complete it is the text itself.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT SCORE_ANSWER (
    task VARCHAR(20),
    answer VARCHAR(2000000),
    label VARCHAR(2000000),
    error_code VARCHAR(30)
)
EMITS (exact_match DOUBLE, f1 DOUBLE) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.score_answer import ScoreAnswer
score_answer = ScoreAnswer()
def run(ctx):
    score_answer.run(ctx)
/

COMMENT ON SCRIPT SCORE_ANSWER IS 'Exact match and F1 of an answer, 0 to 1; a row that failed has neither.';

-- Two evaluations compared row by row: the mean gain with its bootstrap interval. The same rows and
-- the same seed give the same figures.

CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT COMPARE_SCORES (
    champion_score DOUBLE,
    candidate_score DOUBLE,
    confidence DOUBLE,
    seed DECIMAL(18, 0)
)
EMITS (
    pairs DECIMAL(18, 0),
    champion_mean DOUBLE,
    candidate_mean DOUBLE,
    difference DOUBLE,
    lower_bound DOUBLE,
    upper_bound DOUBLE,
    better DECIMAL(18, 0),
    worse DECIMAL(18, 0)
) AS
%perNodeAndCallInstanceLimit 1;
from exallm_udfs.functions.compare_scores import CompareScores
compare_scores = CompareScores()
def run(ctx):
    compare_scores.run(ctx)
/

COMMENT ON SCRIPT COMPARE_SCORES IS 'Paired comparison of two versions'' scores with a bootstrap interval.';
