"""A client of Python's grpcio that cancels many calls and lets many deadlines pass over one connection, with innocent calls
among them: of the health service that answers "" at once and "slow" never.

    client.py ADDRESS SECONDS RATE

It gives up RATE calls a second in each of the two ways, and prints what became of all calls as JSON.
"""

import collections
import json
import sys
import threading
import time

import grpc

GIVEN_UP_AFTER_S = 0.02
INNOCENT_EVERY_S = 0.02
INNOCENTS = 10
PATIENCE_S = 10
TICK_S = 0.005
SLOW = b"\n\x04slow"


class Tally:
    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()

    def add(self, call: grpc.Call) -> None:
        code = call.code()
        name = code.name
        if code not in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
            name = f"{code.name}: {call.details()}"
        with self.lock:
            self.counts[name] += 1


def innocent_calls(check, tally: Tally, ends: float) -> None:
    while time.monotonic() < ends:
        call = check.future(b"", timeout=PATIENCE_S)
        call.exception()
        tally.add(call)
        time.sleep(INNOCENT_EVERY_S)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    address, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    expired, cancelled, innocent = Tally(), Tally(), Tally()
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        check(b"", timeout=PATIENCE_S)
        began = time.monotonic()
        ends = began + seconds
        threads = [threading.Thread(target=innocent_calls, args=(check, innocent, ends)) for _ in range(INNOCENTS)]
        for thread in threads:
            thread.start()
        pending, waiting, sent = [], collections.deque(), 0
        while (now := time.monotonic()) < ends or waiting:
            while waiting and waiting[0][0] <= now:
                waiting.popleft()[1].cancel()
            while now < ends and sent < (now - began) * rate:
                late = check.future(SLOW, timeout=GIVEN_UP_AFTER_S)
                unwanted = check.future(SLOW)
                waiting.append((now + GIVEN_UP_AFTER_S, unwanted))
                pending += [(late, expired), (unwanted, cancelled)]
                sent += 1
            time.sleep(TICK_S)
        for thread in threads:
            thread.join()
        for call, tally in pending:
            try:
                call.exception()
            except grpc.FutureCancelledError:
                pass
            tally.add(call)
    print(
        json.dumps(
            {
                "expired": expired.counts,
                "cancelled": cancelled.counts,
                "innocent": innocent.counts,
                "givenUpPerSecond": sent / seconds,
                "seconds": time.monotonic() - began,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
