#!/usr/bin/env bash
# Examines the ports of a calculator with mutual TLS and of a gateway with TLS by testssl.sh, which must find nothing of medium
# severity or worse. Wants testssl (Debian: testssl.sh) and the repository built. Takes some three minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}"; rm -rf "$folder"' EXIT

"$root/rondo" certs calculator gateway --data "$folder" >/dev/null
certs=$folder/certs
serve() { # SERVICE [VARIABLE=VALUE…]
  env RONDO_TLS=on RONDO_TLS_DIR="$certs/$1" RONDO_LISTEN=127.0.0.1:0 RONDO_REGISTRY=127.0.0.1:1 "${@:2}" \
    node "$root/services/$1/dist/main.js" >"$folder/$1.log" &
  servers+=($!)
}
serve calculator
serve gateway RONDO_GATEWAY_LISTEN=127.0.0.1:0 RONDO_GATEWAY_TLS_DIR="$certs/gateway"
address_in() { # LOG TEXT
  for _ in $(seq 100); do
    grep -o "\"msg\":\"$2 [0-9.:]*" "$folder/$1.log" | grep -o '[0-9.]*:[0-9]*$' && return
    sleep 0.1
  done
  cat "$folder/$1.log" >&2
  return 1
}

# A certificate that lives for hours or days always expires soon, and replaces lists of revoked ones: docs/adr/0065-identity-and-secrets.md.
accepted='cert_expirationStatus|cert_notAfter|cert_revocation'
examine() { # WHAT ADDRESS
  testssl --quiet --color 0 --warnings off --add-ca "$certs/authority/ca.crt" --jsonfile "$folder/$1.json" "$2" >"$folder/$1.txt" || true
  node -e '
    const [what, file, accepted] = process.argv.slice(1);
    const found = JSON.parse(require("fs").readFileSync(file, "utf8"));
    if (!found.some(({ id }) => id === "TLS1_3")) throw new Error(`${what}: testssl did not finish`);
    const bad = found.filter(({ id, severity }) => /^(MEDIUM|HIGH|CRITICAL)$/.test(severity) && !new RegExp(`^(${accepted})$`).test(id.split(" ")[0]));
    for (const { severity, id, finding } of bad) console.error(`${what}: ${severity} ${id}: ${finding}`);
    console.log(`${what}: ${found.length} findings, ${bad.length} of medium severity or worse`);
    process.exitCode = bad.length > 0 ? 1 : 0;' "$1" "$folder/$1.json" "$accepted"
}
examine service "$(address_in calculator 'listening on')"
examine gateway "$(address_in gateway 'also listening on')"
