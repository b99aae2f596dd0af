#!/bin/sh
# Generates a Python client of the published contract and calls the calculator at HOST:PORT with it, by TLS with the certificates of an
# absolute folder; prints 5.
set -eu

if [ $# -ne 1 ] && [ $# -ne 2 ]; then
  echo "usage: $0 HOST:PORT [CERTIFICATES]" >&2
  exit 2
fi
command -v python3 >/dev/null || { echo "$0: Python 3 is not installed" >&2; exit 1; }

cd "$(dirname "$0")"
venv=${VENV:-.venv}
# The copy of the requirements is written last, so that an incomplete virtual environment is made again.
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt >&2
  cp requirements.txt "$venv/requirements.txt"
fi

# Several may run at once.
proto=../../../proto
if [ ! gen/calculator/calculator_pb2_grpc.py -nt "$proto/calculator/calculator.proto" ]; then
  rm -rf gen
  mkdir gen
  "$venv/bin/python" -m grpc_tools.protoc "--proto_path=$proto" --python_out=gen --grpc_python_out=gen calculator/calculator.proto
fi
PYTHONPATH=gen exec "$venv/bin/python" client.py "$@"
