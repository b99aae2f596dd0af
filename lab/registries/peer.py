"""What the peers in Python share: the method Add of the calculator, whose messages are bytes here."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import grpc

SERVICE = "calculator.v1.CalculatorService"


def serve() -> int:
    """Serves at a free port of 127.0.0.1, and says that each sum is 42."""
    add = grpc.unary_unary_rpc_method_handler(lambda request, context: bytes([8, 42]))
    server = grpc.server(ThreadPoolExecutor())
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Add": add}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    globals()["server"] = server  # it ends with its last reference
    return port


def add(address: str) -> int:
    """Adds 2 and 3 at a server."""
    with grpc.insecure_channel(address) as channel:
        return channel.unary_unary(f"/{SERVICE}/Add")(bytes([8, 2, 16, 3]), timeout=60)[1]


def run(find: Callable[[], dict[str, str]], register: Callable[[int], Callable[[], object]]) -> None:
    """Registers, calls each server that `find` finds, addresses by ids, and prints the ids whenever they change."""
    renew = register(serve())
    called: set[str] = set()
    seen = None
    while True:
        renew()
        found = find()
        ids = " ".join(sorted(found))
        if ids != seen:
            print(f"sees: {ids}", flush=True)
        seen = ids
        for name in found.keys() - called:
            print(f"answer of {name}: {add(found[name])}", flush=True)
        called.update(found)
        time.sleep(0.5)
