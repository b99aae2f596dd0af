#!/bin/sh
# Installs Patroni into .build, once, from PyPI. The test that uses it also wants PostgreSQL (Debian: postgresql) and etcd (etcd-server).
set -eu

cd "$(dirname "$0")"
# Patroni runs as the account postgres, which can't use a Python in another account's home.
python=/usr/bin/python3
[ -x "$python" ] || { echo "$0: $python is not installed" >&2; exit 1; }
version=$(cksum <build.sh)
# The version is written last, so that an incomplete build is repeated.
[ "$(cat .build/version 2>/dev/null)" = "$version" ] && exit
rm -rf .build
"$python" -m venv .build/python
.build/python/bin/pip install --quiet --disable-pip-version-check 'patroni[etcd3]==4.1.5' 'psycopg[binary]==3.3.9'
echo "$version" >.build/version
