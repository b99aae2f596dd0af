#!/usr/bin/env bash
# Runs the compose file as a user would, in a project of its own, and takes it down again: images, health, order of start,
# scaling, data that survives, one service replaced alone, one service alone that joins. Needs a container engine and
# `docker compose`.
set -euo pipefail
cd "$(dirname "$0")/.."

project=rondo-e2e what=compose
source e2e/compose-project.sh
team() { TEAM_PROJECT=rondo-e2e-team SYSTEM_NETWORK=rondo-e2e_default docker compose -f "$recipe" "$@"; }
trap '(cd "$scratch/a clone" && team down) >/dev/null 2>&1 || true; take_down' EXIT

published=$(RONDO_PORT_PREFIX=51 RONDO_GATEWAY_PORT=8090 docker compose config | grep -o 'published: "[0-9]*"' | tr '\n' ' ')
for port in 51050 51051 51052 51053 8090; do
  [[ $published == *"\"$port\""* ]] || fail "RONDO_PORT_PREFIX=51 publishes no $port, but $published"
done
say "RONDO_PORT_PREFIX=51 and RONDO_GATEWAY_PORT publish a second system's ports"

build
compose up --detach --quiet-pull --scale calculator-replica=4
# Each folder of services/ is an image. The registry isn't registered with itself.
images=$(ls services)
eventually serving $(($(wc -w <<<"$images") - 1 + 4))
say "every instance is registered and serving"

# From outside of the containers, by a program that knows nothing of Rondo.
eventually http /healthz
eventually http /add -d '{"a":1,"b":2}'
[ "$(http /add -d '{"a":1,"b":2}')" = '{"result":3}' ] || fail 'the gateway adds wrongly'
say 'the gateway answers at a port of this machine'

base=$(docker image inspect --format '{{.Size}}' node:24-bookworm-slim)
for image in $images; do
  added=$((($(docker image inspect --format '{{.Size}}' "rondo-$image") - base) / 1000000))
  say "rondo-$image adds $added MB to its base"
  [ "$added" -le 40 ] || fail "rondo-$image adds more than 40 MB"
done

for service in registry gateway calculator sales; do
  [ "$(compose exec -T "$service" id -u)" != 0 ] || fail "$service runs as root"
  ! compose exec -T "$service" touch /app/written 2>/dev/null || fail "$service can write to its image"
done
say "no service is root or can write to its image"

compose logs --no-log-prefix --no-color calculator | while read -r line; do
  node -e 'JSON.parse(process.argv[1])' "$line" || fail "not JSON: $line"
done
say "logs are JSON"

tally=$(rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}' --count 10 --json)
[ "$(grep -oE '"[^"]+":2[,}]' <<<"$tally" | wc -l)" -eq 5 ] || fail "five calculators don't share ten calls: $tally"
say "five calculators share ten calls: two each"

rondo call projects.v1.TeamService/CreateMember \
  '{"member":{"displayName":"Ada","email":"ada@rondo.example","weeklyCapacityMinutes":2400}}' >/dev/null
compose down
compose up --detach
eventually serving $(($(wc -w <<<"$images") - 1 + 2))
kept() { [[ $(rondo call projects.v1.TeamService/ListMembers '{}') == *ada@rondo.example* ]]; }
eventually kept
say "data survives down and up"

load 10
before=$(compose ps --quiet sales)
compose up --detach --no-deps --build --force-recreate sales
[ "$(compose ps --quiet sales)" != '' ] || fail 'sales is gone'
docker kill --signal KILL "$(compose ps --quiet calculator-replica | head -n 1)" >/dev/null
load_succeeds
eventually rondo call sales.v1.QuoteService/ListQuotes '{}'
say "sales was replaced alone (was ${before:0:12}) and a calculator killed: no call failed"

# The recipe for one service alone, unchanged, in the network of this system: in a clone, so that this work tree stays as it is.
git clone --quiet --no-hardlinks . "$scratch/a clone"
cd "$scratch/a clone"
recipe=infra/compose/one-service.yml
sed -n "\\|^\`\`\`yaml $recipe$|,/^\`\`\`$/{/^\`\`\`/d;p}" docs/guides/run-a-system.md >"$recipe"
team up --build --detach --wait
alone() { [[ $(rondo call CalculatorService/Add '{"a": 2, "b": 3}' -H rondo-version=team) == *'"5"'* ]]; }
eventually alone
team down
say "one service alone joins the registry of a system that runs"
