#!/bin/sh
# Builds the helloworld clients into .build, so that they run without a network: grpc-go's greeter_client from its module, and
# stubs for a client in Python, by grpc_tools.protoc from the contract in the same module.
set -eu

cd "$(dirname "$0")"
command -v go >/dev/null || { echo "$0: Go is not installed; see go.mod for the version it needs" >&2; exit 1; }
command -v python3 >/dev/null || { echo "$0: Python 3 is not installed" >&2; exit 1; }

# The copy of the requirements is written last, so that an incomplete build is repeated.
cmp -s requirements.txt .build/requirements.txt && exit
rm -rf .build
mkdir .build
go build -o .build/greeter_client google.golang.org/grpc/examples/helloworld/greeter_client
cp "$(go list -m -f '{{.Dir}}' google.golang.org/grpc/examples)/helloworld/helloworld/helloworld.proto" .build
chmod u+w .build/helloworld.proto
python3 -m venv .build/venv
.build/venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt >&2
.build/venv/bin/python -m grpc_tools.protoc --proto_path=.build --python_out=.build --grpc_python_out=.build \
  helloworld.proto
cp requirements.txt .build
