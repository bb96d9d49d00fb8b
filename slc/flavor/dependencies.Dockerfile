FROM @BASE_IMAGE@

COPY dependencies/requirements.txt /exallm/requirements.txt
RUN python@PYTHON@ -m pip install --break-system-packages --no-cache-dir --no-compile \
    --no-deps --only-binary=:all: --require-hashes -r /exallm/requirements.txt
