#!/bin/sh
# Runs a command with port 50051, which `npm start` uses as well, to itself: in a network namespace of its own, or here while
# the port is free. Exits with 75 if neither is possible.
set -eu

if unshare --net --map-root-user ip link set lo up 2>/dev/null; then
  exec unshare --net --map-root-user /bin/sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
if python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 50051))' 2>/dev/null; then
  exec "$@"
fi
echo "$0: port 50051 is in use, and a network namespace needs Linux, ip and unshare" >&2
exit 75
