{{ config(materialized='table') }}

SELECT ID, TOPIC, QUESTION, {{ target.schema }}.GPT2_INFERENCE(QUESTION) AS ANSWER
FROM {{ ref('questions') }}
