#!/bin/sh
# Generates a Go client of the published contract and calls the calculator at HOST:PORT with it, by TLS with the certificates of an
# absolute folder; prints 5.
set -eu

if [ $# -ne 1 ] && [ $# -ne 2 ]; then
  echo "usage: $0 HOST:PORT [CERTIFICATES]" >&2
  exit 2
fi
command -v go >/dev/null || { echo "$0: Go is not installed; see go.mod for the version it needs" >&2; exit 1; }

cd "$(dirname "$0")"
root=../../..
if [ ! -x "$root/node_modules/.bin/buf" ]; then
  echo "$0: buf is not installed; run npm start or npm test in the repository's root first" >&2
  exit 1
fi

contract=$root/proto/calculator/calculator.proto
# Several may run at once.
if [ ! gen/calculatorpb/calculator_grpc.pb.go -nt "$contract" ]; then
  rm -rf gen
  "$root/node_modules/.bin/buf" generate "$contract" --template buf.gen.yaml
fi
exec go run . "$@"
