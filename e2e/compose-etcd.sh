#!/usr/bin/env bash
# Runs docker-compose.yml with infra/compose/etcd.yml, three registries over three etcd nodes, in a project of its own: kills
# a registry and an etcd node under load, has replicas come meanwhile, and brings both back. With --tls all of it with mutual
# TLS, etcd included. Needs a container engine and `docker compose`.
#
#   bash e2e/compose-etcd.sh [--tls]
set -euo pipefail
cd "$(dirname "$0")/.."

files=(-f docker-compose.yml -f infra/compose/etcd.yml) tls=false
if [ "${1:-}" = --tls ]; then
  tls=true
  files=(-f docker-compose.yml -f infra/compose/tls.yml -f infra/compose/etcd.yml -f infra/compose/etcd-tls.yml)
fi

scratch=$(mktemp -d)
# Nothing calls from outside, so no ports are published: another system may run here.
for service in registry gateway calculator project-management sales; do
  printf '  %s: { ports: !reset [] }\n' "$service"
done | sed '1i services:' >"$scratch/unpublished.yml"
compose() {
  docker compose --project-name rondo-etcd "${files[@]}" -f "$scratch/unpublished.yml" "$@"
}
rondo() { compose exec -T registry-3 rondo "$@"; }
fail() { compose logs --tail 20 >&2; echo "compose etcd: $*" >&2; exit 1; }
say() { echo "compose etcd: $*"; }
trap 'compose down --volumes --remove-orphans >/dev/null 2>&1; rm -rf "$scratch"' EXIT

# Tries a command for a minute.
eventually() {
  for _ in $(seq 120); do "$@" >/dev/null 2>&1 && return 0; sleep 0.5; done
  fail "never succeeded: $*"
}
# What a registry lists.
serving() { # REGISTRY COUNT
  [ "$(rondo ps --registry "$1:50050" --json | grep -o '"status":"SERVING"' | wc -l)" -eq "$2" ]
}

compose up --build --detach --quiet-pull --scale calculator-replica=2
before=$(($(ls services | wc -l) - 1 + 2))
for registry in registry registry-2 registry-3; do eventually serving "$registry" "$before"; done
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

rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}' --rate 50 --duration 30s --json >"$scratch/load" &
load=$!
sleep 3
docker kill --signal KILL "$(compose ps --quiet etcd-1)" "$(compose ps --quiet registry)" >/dev/null
compose up --detach --no-deps --no-recreate --scale calculator-replica=4 calculator-replica
for registry in registry-2 registry-3; do eventually serving "$registry" $((before + 2)); done
wait "$load" || fail "calls failed: $(<"$scratch/load")"
grep -q '"failed":0' "$scratch/load" || fail "calls failed: $(<"$scratch/load")"
say "an etcd node and a registry were killed: no call failed, two replicas that came meanwhile are known everywhere"

compose start etcd-1 registry
eventually serving registry $((before + 2))
say "both are back, and know what the others know"
