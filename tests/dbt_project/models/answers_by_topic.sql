{{ config(materialized='view') }}

SELECT TOPIC, COUNT(*) AS ANSWERS, LISTAGG(ANSWER, '; ') WITHIN GROUP (ORDER BY ID) AS TEXTS
FROM {{ ref('answers') }}
GROUP BY TOPIC
