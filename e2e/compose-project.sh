# Sourced by the scripts that run compose files, each in a project of its own, which is taken down at the end. Wants `project`, its
# name, and `what`, with which messages begin; `files` are the compose files.

scratch=$(mktemp -d)
# Another system may run here: only the gateway's port is published, on any free port.
for service in registry calculator project-management sales; do
  printf '  %s: { ports: !reset [] }\n' "$service"
done | sed '1i services:' >"$scratch/ports.yml"
printf '  gateway: { ports: !override ["127.0.0.1::8080"] }\n' >>"$scratch/ports.yml"

files=(docker-compose.yml)
# One by one: builds side by side don't always find what another has built.
build() { COMPOSE_PARALLEL_LIMIT=1 compose build --quiet; }
compose() { docker compose --project-name "$project" "${files[@]/#/-f}" -f "$scratch/ports.yml" "$@"; }
http() { curl --silent --show-error --fail --max-time 600 "http://$(compose port gateway 8080)$1" "${@:2}"; } # PATH OPTIONS
rondo() { compose exec -T registry rondo "$@"; }
say() { echo "$what: $*"; }
fail() { echo "$what: $*" >&2; compose logs --tail 20 >&2; exit 1; }
take_down() {
  compose down --volumes --remove-orphans >/dev/null 2>&1
  rm -rf "$scratch"
}
trap take_down EXIT
# A run that was killed leaves its data.
compose down --volumes --remove-orphans >/dev/null 2>&1 || true

# Tries a command for ten minutes: only a hang takes so long.
eventually() {
  for _ in $(seq 1200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.5; done
  fail "never succeeded: $*"
}
serving() { [ "$(rondo ps --json | grep -o '"status":"SERVING"' | wc -l)" -eq "$1" ]; } # COUNT

# load SECONDS: calls a calculator in the background. Then load_succeeds waits for the end.
load() {
  rondo call calculator.v1.CalculatorService/Add '{"a":2,"b":3}' --rate 100 --duration "$1s" --json >"$scratch/load" &
  load=$!
}
# A busy machine may miss a deadline, which says nothing of connections. Whatever else fails is a fault.
load_succeeds() {
  wait "$load" || true
  grep -q '"OK":' "$scratch/load" || fail "no call succeeded: $(<"$scratch/load")"
  ! grep -o '"codes":{[^}]*}' "$scratch/load" | grep -oE '"[A-Z_]+":[0-9]' | grep -vE 'OK|DEADLINE_EXCEEDED' ||
    fail "calls failed: $(<"$scratch/load")"
}
