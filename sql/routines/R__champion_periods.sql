-- What was the champion when. At a time T it was the row with VALID_FROM <= T, and VALID_UNTIL
-- either NULL or later than T.

CREATE OR REPLACE VIEW CHAMPION_PERIODS AS
SELECT
    MODEL,
    TO_VERSION AS MODEL_VERSION,
    CHANGED_AT AS VALID_FROM,
    NEXT_CHANGE_AT AS VALID_UNTIL,
    CHANGE_KIND,
    REASON,
    EVALUATION_ID,
    CHANGED_BY
FROM (
    SELECT
        MODEL,
        TO_VERSION,
        CHANGED_AT,
        LEAD(CHANGED_AT) OVER (PARTITION BY MODEL ORDER BY CHANGE_NUMBER) AS NEXT_CHANGE_AT,
        CHANGE_KIND,
        REASON,
        EVALUATION_ID,
        CHANGED_BY
    FROM ALIAS_HISTORY
    WHERE ALIAS_NAME = 'champion'
) AS CHANGES
WHERE TO_VERSION IS NOT NULL
COMMENT IS 'From when until when a version was the champion of its model; until NULL means that it still is.';
