#!/usr/bin/env bash
# Runs the compose file of a clone to which `rondo new` adds services while the system runs. Needs a container engine and
# `docker compose`.
set -euo pipefail
cd "$(dirname "$0")/../.."

project=rondo-made what='compose made'
source e2e/compose-project.sh

# In a clone of the last commit, so that the new services don't get into this work tree.
git clone --quiet --no-hardlinks . "$scratch/a clone"
cd "$scratch/a clone"
build
compose up --detach --quiet-pull
eventually serving $(($(ls services | wc -l) - 1 + 2))
rondo call projects.v1.TeamService/CreateMember \
  '{"member":{"displayName":"Ada","email":"ada@rondo.example","weeklyCapacityMinutes":2400}}' >/dev/null

npm run --silent rondo -- new service greeter >/dev/null
git add --all && git -c user.name=Ada -c user.email=ada@rondo.example commit --quiet --message=greeter
npm run --silent rondo -- new service billing --with-database >/dev/null
compose config --quiet || fail 'docker-compose.yml is not valid with services that were made'
compose up --build --detach --wait greeter billing
unwritten() { [[ $(rondo call "$1.v1.${1^}Service/Echo" '{}' 2>&1) == *UNIMPLEMENTED*services/$1/src/* ]]; }
for service in greeter billing; do eventually unwritten "$service"; done
owner=$(compose exec -T postgres psql -U postgres -Atc "SELECT datdba::regrole FROM pg_database WHERE datname = 'billing'")
[ "$owner" = billing ] || fail "the database of billing belongs to: $owner"
kept() { [[ $(rondo call projects.v1.TeamService/ListMembers '{}') == *ada@rondo.example* ]]; }
eventually kept
say "services that were made are images that answer, with a database of their own where they want one; the data stays"
