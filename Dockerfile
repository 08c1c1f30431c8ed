# Emotune in a container: docker build -t emotune . && docker run -p 7860:7860 -v emotune:/data -e EMOTUNE_PASSWORD=... emotune
# Without a password it says so and ends; to serve everybody: docker run ... emotune python app.py --public
FROM python:3.11-slim

# Another index for torch, such as one with builds for CPUs only, which save gigabytes where there is no GPU.
ARG TORCH_INDEX=

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt -r requirements.txt
COPY app.py ./
COPY trainer trainer
COPY assets assets

# Not root; and what is kept lies in the volume, for this user alone.
RUN useradd --create-home --uid 10001 emotune && install -d -o emotune -g emotune -m 0700 /data /data/runs
USER emotune
VOLUME /data
ENV EMOTUNE_RUNS=/data/runs GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 7860, timeout=5); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "app.py"]
