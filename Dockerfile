# The app alone. Milvus and what it needs are in docker-compose.milvus.yml, beside which this image is its profile "app".
FROM python:3.12-slim

WORKDIR /app
COPY requirements.txt constraints.txt ./
# The torch of this index goes before that of PyPI, which would bring gigabytes of CUDA along.
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    -r requirements.txt -c constraints.txt

RUN useradd --create-home --uid 1000 likeness \
    && install --directory --owner 1000 --group 1000 /data
COPY allowed_values.py app.py environment.py public_demo.py runtime.py server.py settings.py pyproject.toml ./
COPY commands commands
COPY db db
COPY encoders encoders
COPY library library
COPY python_api python_api
COPY ui ui

USER 1000
ENV DATA_DIR=/data \
    HF_HOME=/data/huggingface \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=5 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/gradio_api/health', timeout=5)"]
CMD ["python", "app.py"]
