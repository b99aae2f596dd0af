#!/usr/bin/env bash
# Runs docker-compose.yml with infra/compose/etcd.yml, three registries over three etcd nodes, in a project of its own: kills
# a registry and an etcd node under load, has replicas come meanwhile, and brings both back. With --tls all of it with mutual
# TLS, etcd included. Needs a container engine and `docker compose`.
#
#   bash lab/e2e/compose-etcd.sh [--tls]
set -euo pipefail
cd "$(dirname "$0")/../.."

project=rondo-etcd what='compose etcd'
source e2e/compose-project.sh
files=(docker-compose.yml infra/compose/etcd.yml) tls=false
if [ "${1:-}" = --tls ]; then
  tls=true
  files=(docker-compose.yml infra/compose/tls.yml infra/compose/etcd.yml infra/compose/etcd-tls.yml)
fi
rondo() { compose exec -T registry-3 rondo "$@"; } # The others are killed.
# What a registry lists.
serving_at() { # REGISTRY COUNT
  [ "$(rondo ps --registry "$1:50050" --json | grep -o '"status":"SERVING"' | wc -l)" -eq "$2" ]
}

build
compose up --detach --quiet-pull --scale calculator-replica=2
before=$(($(ls services | wc -l) - 1 + 2))
for registry in registry registry-2 registry-3; do eventually serving_at "$registry" "$before"; done
say "three registries list the same $before instances"

# Whether an etcd node answers a program in the container of a registry.
etcd_answers() { # SCHEME OPTIONS
  compose exec -T registry-3 node -e "
    const { readFileSync } = require('node:fs');
    const read = (name) => readFileSync('/var/lib/rondo/certs/registry/' + name);
    const certificate = { cert: read('tls.crt'), key: read('tls.key') };
    require('node:$1')
      .get('$1://etcd-1:2379/health', { ca: read('ca.crt'), ...$2 }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
      .on('error', () => process.exit(1));"
}
if $tls; then
  secured=$(rondo ps --json | grep -o '"security":"[A-Z_]*"' | sort | uniq -c | xargs)
  [[ $secured =~ ^[0-9]+\ security:TLS$ ]] || fail "an endpoint is plaintext: $secured"
  etcd_answers https certificate || fail 'etcd answers no client with a certificate'
  ! etcd_answers https '{}' || fail 'etcd answers a client without a certificate'
  ! etcd_answers http '{}' || fail 'etcd answers in plaintext'
  say "every endpoint has TLS; etcd refuses plaintext and clients without certificates"
fi

load 30
sleep 3
docker kill --signal KILL "$(compose ps --quiet etcd-1)" "$(compose ps --quiet registry)" >/dev/null
compose up --detach --no-deps --no-recreate --scale calculator-replica=4 calculator-replica
for registry in registry-2 registry-3; do eventually serving_at "$registry" $((before + 2)); done
load_succeeds
say "an etcd node and a registry were killed: no call failed, two replicas that came meanwhile are known everywhere"

compose start etcd-1 registry
eventually serving_at registry $((before + 2))
say "both are back, and know what the others know"
