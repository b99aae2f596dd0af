#!/usr/bin/env bash
# Runs docker-compose.yml with infra/compose/tls.yml, the whole system with mutual TLS, in a project of its own: every endpoint is
# encrypted, plaintext and certificates of others are refused, certificates and then their authority are replaced under load.
# Needs a container engine and `docker compose`.
set -euo pipefail
cd "$(dirname "$0")/.."

project=rondo-tls what='compose tls'
source e2e/compose-project.sh
files=(docker-compose.yml infra/compose/tls.yml)
certs() { compose run --rm --no-deps -T certs node /app/rondo.mjs certs --data=/var/lib/rondo "$@"; }
healthy() { ! compose ps --format '{{.Health}}' | grep -qv '^healthy$'; }

build
compose up --detach --quiet-pull --scale calculator-replica=2
count=$(($(ls services | wc -l) - 1 + 2))
eventually serving "$count"
secured=$(rondo ps --json | grep -o '"security":"[A-Z_]*"' | sort | uniq -c | xargs)
say "$count instances are registered and serving, with endpoints of: $secured"
[[ $secured =~ ^[0-9]+\ security:TLS$ ]] || fail "an endpoint is plaintext: $secured"
eventually healthy
ends=$(rondo ps --check --json | grep -o '"certificateValidTo":"[^"]*' | awk -F'"' -v now="$(date -u +%FT%TZ)" '$4 > now' | wc -l)
[ "$ends" -eq "$count" ] || fail "rondo ps --check tells the end of $ends certificates, and $count are in use"

[[ $(rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}') == *'"5"'* ]] || fail 'no answer over TLS'
add() { [ "$(http /add -d '{"a":1,"b":2}')" = '{"result":3}' ]; }
eventually add
say 'calls answer, by rondo and through the gateway'

! compose exec -T -e RONDO_TLS=off registry rondo ps >/dev/null 2>&1 || fail 'plaintext is answered'
instance=$(rondo ps CalculatorService --json | grep -o '"instanceId":"[^"]*"' | head -n 1 | cut -d'"' -f4)
! rondo cordon "$instance" >/dev/null 2>&1 || fail 'the registry may cordon'
as_person() { compose exec -T -e RONDO_TLS_DIR=/var/lib/rondo/certs/person registry rondo "$@"; }
as_person cordon "$instance" >/dev/null && as_person uncordon "$instance" >/dev/null || fail 'a person may not cordon'
say "plaintext is refused; a person cordons, a service doesn't"

load 20
services=$(ls services)
certs --renew $services >/dev/null
sleep 8 # Processes look at their files every 5 s.
certs --authority $services >/dev/null
load_succeeds
serving "$count" || fail 'an instance is gone after the rotation'
say "all certificates, then the authority were replaced under load: no call failed"
