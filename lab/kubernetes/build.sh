#!/bin/sh
# Builds the control plane of Kubernetes into .build, once: some fifteen minutes on two cores.
set -eu

cd "$(dirname "$0")"
command -v go >/dev/null || { echo "$0: Go is not installed; see go.mod for the version it needs" >&2; exit 1; }
programs='kube-apiserver kube-controller-manager kube-scheduler'
built="$(go list -m -f '{{.Version}}' k8s.io/kubernetes) $programs"
# What is built is written last, so that an incomplete build is repeated.
[ "$(cat .build/built 2>/dev/null)" = "$built" ] && exit
stamp=k8s.io/component-base/version
for program in $programs; do
  CGO_ENABLED=0 go build -o .build/ -ldflags "-s -w -X $stamp.gitVersion=${built%% *} -X $stamp.gitMajor=1 -X $stamp.gitMinor=34" \
    "k8s.io/kubernetes/cmd/$program"
done
echo "$built" >.build/built
