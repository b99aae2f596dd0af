#!/usr/bin/env bash
# Calls a calculator that has TLS by clients of others, in Go, Python and by grpcurl: with a certificate of its authority they are
# answered; with none, with one of another authority and in plaintext they are refused. Wants the repository built.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$folder"' EXIT
fail() { echo "with certificates: $*" >&2; cat "$folder/said" "$folder/log" >&2; exit 1; }

"$root/rondo" certs calculator --data "$folder" >/dev/null
"$root/rondo" certs calculator --data "$folder/other" >/dev/null
person=$folder/certs/person
mkdir "$folder/none" "$folder/stranger"
cp "$person/ca.crt" "$folder/none"
cp "$folder/other/certs/person/"tls.* "$person/ca.crt" "$folder/stranger"

RONDO_TLS=on RONDO_TLS_DIR=$folder/certs/calculator RONDO_LISTEN=127.0.0.1:0 RONDO_REGISTRY=127.0.0.1:1 \
  node "$root/services/calculator/dist/main.js" >"$folder/log" &
server=$!
for _ in $(seq 600); do
  address=$(grep -o 'listening on [0-9.:]*' "$folder/log" | cut -d' ' -f3) && break
  sleep 0.1
done
[[ -n $address ]] || fail 'the calculator does not listen'

by_go() { "$root/lab/clients/go/run.sh" "$address" "$@"; }
by_python() { "$root/lab/clients/python/run.sh" "$address" "$@"; }
by_grpcurl() { # [FOLDER]
  local trust=(-plaintext)
  if (($#)); then trust=(-cacert "$1/ca.crt"); fi
  if (($#)) && [[ -f $1/tls.crt ]]; then trust+=(-cert "$1/tls.crt" -key "$1/tls.key"); fi
  grpcurl -max-time "$patience_s" "${trust[@]}" -d '{"a":2,"b":3}' "$address" calculator.Calculator/Add | grep -o 5
}
checks=() patience_s=60
refused() { # CLIENT WHAT [FOLDER]: in parallel with the others, as grpcurl tries for as long as it may.
  (patience_s=3; ! said=$("by_$1" "${@:3}" 2>&1) || fail "$1 is answered $2: $said") &
  checks+=($!)
}

for client in "$@"; do
  [[ $("by_$client" "$person" 2>"$folder/said") == 5 ]] || fail "$client is not answered with a certificate"
  refused "$client" 'without a certificate' "$folder/none"
  refused "$client" 'with a certificate of another authority' "$folder/stranger"
  refused "$client" 'in plaintext'
done
for check in "${checks[@]}"; do wait "$check"; done
echo "$*: 5 with a certificate; refused without one, with another authority's, and in plaintext"
