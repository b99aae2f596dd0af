#!/usr/bin/env bash
# Runs docker-compose.yml with infra/compose/tls.yml, the whole system with mutual TLS, in a project of its own: every endpoint is
# encrypted, plaintext and certificates of others are refused, certificates and then their authority are replaced under load.
# Needs a container engine and `docker compose`.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
# Another system may run here: only the gateway's port is published, on any free port.
for service in registry calculator project-management sales; do
  printf '  %s: { ports: !reset [] }\n' "$service"
done | sed '1i services:' >"$scratch/ports.yml"
printf '  gateway: { ports: !override ["127.0.0.1::8080"] }\n' >>"$scratch/ports.yml"
compose() {
  docker compose --project-name rondo-tls -f docker-compose.yml -f infra/compose/tls.yml -f "$scratch/ports.yml" "$@"
}
rondo() { compose exec -T registry rondo "$@"; }
certs() { compose run --rm --no-deps -T certs node /app/rondo.mjs certs --data=/var/lib/rondo "$@"; }
fail() { compose logs --tail 20 >&2; echo "compose tls: $*" >&2; exit 1; }
say() { echo "compose tls: $*"; }
trap 'compose down --volumes --remove-orphans >/dev/null 2>&1; rm -rf "$scratch"' EXIT

# Tries a command for a minute.
eventually() {
  for _ in $(seq 120); do "$@" >/dev/null 2>&1 && return 0; sleep 0.5; done
  fail "never succeeded: $*"
}
serving() { [ "$(rondo ps --json | grep -o '"status":"SERVING"' | wc -l)" -eq "$1" ]; }
healthy() { ! compose ps --format '{{.Health}}' | grep -qv '^healthy$'; }

compose up --build --detach --quiet-pull --scale calculator-replica=2
count=$(($(ls services | wc -l) - 1 + 2))
eventually serving "$count"
secured=$(rondo ps --json | grep -o '"security":"[A-Z_]*"' | sort | uniq -c | xargs)
say "$count instances are registered and serving, with endpoints of: $secured"
[[ $secured =~ ^[0-9]+\ security:TLS$ ]] || fail "an endpoint is plaintext: $secured"
eventually healthy

[[ $(rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}') == *'"5"'* ]] || fail 'no answer over TLS'
port=$(compose port gateway 8080)
http() { curl --silent --show-error --fail --max-time 10 "http://$port/add" -d '{"a":1,"b":2}'; }
eventually http
[ "$(http)" = '{"result":3}' ] || fail 'the gateway adds wrongly'
say 'calls answer, by rondo and through the gateway'

! compose exec -T -e RONDO_TLS=off registry rondo ps >/dev/null 2>&1 || fail 'plaintext is answered'
instance=$(rondo ps CalculatorService --json | grep -o '"instanceId":"[^"]*"' | head -n 1 | cut -d'"' -f4)
! rondo cordon "$instance" >/dev/null 2>&1 || fail 'the registry may cordon'
as_person() { compose exec -T -e RONDO_TLS_DIR=/var/lib/rondo/certs/person registry rondo "$@"; }
as_person cordon "$instance" >/dev/null && as_person uncordon "$instance" >/dev/null || fail 'a person may not cordon'
say "plaintext is refused; a person cordons, a service doesn't"

rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}' --rate 100 --duration 40s --json >"$scratch/load" &
load=$!
services=$(ls services)
certs --renew $services >/dev/null
sleep 8 # Processes look at their files every 5 s.
certs --authority $services >/dev/null
wait "$load" || fail "calls failed: $(<"$scratch/load")"
grep -q '"failed":0' "$scratch/load" || fail "calls failed: $(<"$scratch/load")"
serving "$count" || fail 'an instance is gone after the rotation'
say "all certificates, then the authority were replaced under load: no call failed"
