"""Calls calculator.Calculator by the target of the first argument, as often a second as the second says.

It prints the answers of each second as JSON. A server of the laboratory answers with its number.
"""

import collections
import json
import sys
import threading
import time

import grpc
import grpc.experimental
from google.protobuf.wrappers_pb2 import Int64Value

counts: collections.Counter[str] = collections.Counter()
lock = threading.Lock()


def done(future: grpc.Future) -> None:
    error = future.exception()
    answer = f"{error.code().value[0]} {error.details()}" if isinstance(error, grpc.RpcError) else str(future.result().value)
    with lock:
        counts[answer] += 1


def report() -> None:
    while True:
        time.sleep(1)
        with lock:
            line = json.dumps(counts)
            counts.clear()
        print(line, flush=True)


# TLS if the registry says so, else none.
credentials = grpc.xds_channel_credentials(grpc.experimental.insecure_channel_credentials())
channel = grpc.secure_channel(sys.argv[1], credentials)
# 0 and 0 are an empty message; the answer's first field is an integer.
add = channel.unary_unary("/calculator.Calculator/Add", lambda _: b"", Int64Value.FromString)
threading.Thread(target=report, daemon=True).start()
interval = 1 / float(sys.argv[2])
due = time.monotonic()
while True:
    add.future(None, timeout=20).add_done_callback(done)
    due += interval
    time.sleep(max(0, due - time.monotonic()))
