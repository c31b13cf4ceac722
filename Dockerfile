# The page on a CPU, without PyTorch and without root: `docker build -t resnet-demo .`, then
# `docker run --rm -p 7860:7860 resnet-demo`. As a Docker Space it needs `sdk: docker` in the README's head.
# The Python of requirements.lock.
FROM python:3.11-slim

# Spaces run as the user 1000 (https://huggingface.co/docs/hub/spaces-sdks-docker#permissions).
RUN useradd --create-home --uid 1000 user
USER 1000
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=7860
WORKDIR /home/user/app

# The packages have a layer of their own, which a change of the code leaves as it is.
COPY --chown=1000 pyproject.toml requirements.lock ./
COPY --chown=1000 .ci/requirements .ci/
RUN python .ci/requirements page > /tmp/requirements.txt \
    && pip install --no-cache-dir --user --constraint requirements.lock --requirement /tmp/requirements.txt

COPY --chown=1000 app.py LICENSE ./
COPY --chown=1000 weights weights
COPY --chown=1000 resnet_demo resnet_demo

EXPOSE 7860
CMD ["python", "app.py"]
