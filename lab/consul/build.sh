#!/bin/sh
# Builds an agent of Consul into .build, once: some ten minutes on two cores. 1.14 is open source (MPL 2.0), later ones need modules
# that aren't published any more.
set -eu

cd "$(dirname "$0")"
command -v go >/dev/null || { echo "$0: Go is not installed; see go.mod for the version it needs" >&2; exit 1; }
version=$(go list -m -f '{{.Version}}' github.com/hashicorp/consul)
# The version is written last, so that an incomplete build is repeated.
[ "$(cat .build/version 2>/dev/null)" = "$version" ] && exit
CGO_ENABLED=0 go build -o .build/ -ldflags '-s -w' github.com/hashicorp/consul
echo "$version" >.build/version
