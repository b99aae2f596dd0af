#!/bin/sh
# Calls the Greeter at localhost:50051, the fixed address of the helloworld clients, with grpc-go's own client, unmodified, and
# with a client in Python: ours, or a copy of grpc's examples/python/helloworld/greeter_client.py that is given.
set -eu

if [ $# -gt 1 ]; then
  echo "usage: $0 [greeter_client.py]" >&2
  exit 2
fi
folder=$(cd "$(dirname "$0")" && pwd)
"$folder/build.sh"
"$folder/.build/greeter_client" 2>&1
PYTHONPATH=$folder/.build "$folder/.build/venv/bin/python" "${1:-$folder/client.py}"
