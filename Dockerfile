# Everything for the two commands, in an image:
#
#     docker build -t nasdsl .
#     docker run --rm nasdsl                # make demo
#     docker run --rm nasdsl make test
#     docker run --rm -v "$PWD:/work" -w /work nasdsl nasdsl check my.cell
FROM python:3.13-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends git graphviz make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /nasdsl
COPY . .
RUN make .venv/.installed && git config --system --add safe.directory /nasdsl

ENV PATH=/nasdsl/.venv/bin:$PATH
CMD ["make", "demo"]
