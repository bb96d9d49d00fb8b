FROM {{ dependencies }}

COPY release/dist /exallm/dist
COPY release/exallm_container.json /exallm/exallm_container.json
RUN python@PYTHON@ -m pip install --break-system-packages --no-cache-dir --no-compile \
    --no-deps /exallm/dist/*.whl && \
    cp /exallm/exallm_container.json "$(python@PYTHON@ -c \
    'import exallm_udfs, pathlib; print(pathlib.Path(exallm_udfs.__file__).parents[1])')"
