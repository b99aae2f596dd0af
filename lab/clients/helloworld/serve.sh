#!/bin/sh
# Serves the Greeter of a repository at localhost:50051 while a command runs. It registers nowhere: nothing listens on port 1.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 REPOSITORY COMMAND..." >&2
  exit 2
fi
main=$1/services/greeter/dist/main.js
shift
log=$(mktemp)
RONDO_LISTEN=127.0.0.1:50051 RONDO_REGISTRY=127.0.0.1:1 node "$main" >"$log" 2>&1 &
greeter=$!
trap 'kill "$greeter" 2>/dev/null || true; wait "$greeter" || true; rm -f "$log"' EXIT
until grep -q 'listening on' "$log"; do
  kill -0 "$greeter" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
"$@"
