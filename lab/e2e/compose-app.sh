#!/usr/bin/env bash
# Runs the compose file of an app that npm run create makes, from the packed packages alone. Needs a container engine.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
say() { echo "compose app: $*"; }
compose() { (cd "$scratch/shop" && docker compose --project-name rondo-e2e-app -f docker-compose.yml -f "$scratch/ports.yml" "$@"); }
take_down() {
  compose down --volumes --remove-orphans >/dev/null 2>&1
  rm -rf "$scratch"
}
trap take_down EXIT

npm run create -- "$scratch/shop"
# Another system may run here: only the gateway's port is published, on any free port.
printf 'services:\n  registry: { ports: !reset [] }\n  greeter: { ports: !reset [] }\n  gateway: { ports: !override ["127.0.0.1::8080"] }\n' >"$scratch/ports.yml"
compose up --build --detach --quiet-pull
for _ in $(seq 1200); do
  said=$(curl --silent --max-time 600 -d '{"text":"hello"}' "http://$(compose port gateway 8080)/v1/greeter:echo") || true
  [ "$said" = '{"text":"hello"}' ] && break
  sleep 0.5
done
[ "$said" = '{"text":"hello"}' ] || { compose logs --tail 20 >&2; say "the gateway says: $said" >&2; exit 1; }
compose exec -T registry rondo describe GreeterService | grep -q 'rpc Count'
say 'the greeter of the app answers through the gateway, and describes itself'
