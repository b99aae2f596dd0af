#!/bin/sh
# Builds the API server of Kubernetes into .build, once: some ten minutes on two cores.
set -eu

cd "$(dirname "$0")"
command -v go >/dev/null || { echo "$0: Go is not installed; see go.mod for the version it needs" >&2; exit 1; }
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
# The version is written last, so that an incomplete build is repeated.
[ "$(cat .build/version 2>/dev/null)" = "$version" ] && exit
stamp=k8s.io/component-base/version
CGO_ENABLED=0 go build -o .build/ -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=34" \
  k8s.io/kubernetes/cmd/kube-apiserver
echo "$version" >.build/version
