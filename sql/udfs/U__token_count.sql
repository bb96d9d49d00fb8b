-- How many tokens a text has for a model, to find the texts that are too long for it.
-- Loads the model's tokenizer only, without the weights.

CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT TOKEN_COUNT (model VARCHAR(200), content VARCHAR(2000000))
RETURNS DECIMAL(18, 0) AS
%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.token_count import TokenCount
token_count = TokenCount(exa)
def run(ctx):
    return token_count.run(ctx)
def cleanup():
    token_count.close()
/

COMMENT ON SCRIPT TOKEN_COUNT IS 'Tokens of a text for a model reference such as qa, qa@challenger or qa@v3.';
