#!/bin/sh
# Installs clients of Consul and Eureka in Python and JavaScript into .build, once, from PyPI and npm.
set -eu

cd "$(dirname "$0")"
for tool in python3 npm; do
  command -v "$tool" >/dev/null || { echo "$0: $tool is not installed" >&2; exit 1; }
done
version=$(cksum <build.sh)
# The version is written last, so that an incomplete build is repeated.
[ "$(cat .build/version 2>/dev/null)" = "$version" ] && exit
rm -rf .build
python3 -m venv .build/python
.build/python/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.1 python-consul==1.1.0 py_eureka_client==0.13.3
npm install --silent --no-save --no-audit --no-fund --prefix .build eureka-client@1.1.0
echo "$version" >.build/version
