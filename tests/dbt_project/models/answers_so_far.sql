{{ config(materialized='incremental', unique_key='id') }}

SELECT ID, {{ target.schema }}.GPT2_INFERENCE(QUESTION) AS ANSWER
FROM {{ ref('questions') }}
{% if is_incremental() %}
WHERE ID > (SELECT MAX(ID) FROM {{ this }})
{% endif %}
