#!/bin/sh
# Builds a NATS server into .build, once: some minutes on two cores.
set -eu

cd "$(dirname "$0")"
command -v go >/dev/null || { echo "$0: Go is not installed" >&2; exit 1; }
version=v2.15.3
# The version is written last, so that an incomplete build is repeated.
[ "$(cat .build/version 2>/dev/null)" = "$version" ] && exit
CGO_ENABLED=0 GOBIN="$PWD/.build" go install -ldflags '-s -w' "github.com/nats-io/nats-server/v2@$version"
echo "$version" >.build/version
