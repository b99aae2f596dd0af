"""An existing client of calculator.Calculator: stubs as grpc_tools.protoc makes them, nothing of Rondo's own.

It prints 2 + 3 as the server at its first argument computes it. A second argument is a folder with ca.crt, for TLS, and
with tls.crt and tls.key, if the client has a certificate.
"""

import sys
from pathlib import Path

import grpc

from calculator.calculator_pb2 import CalculatorRequest
from calculator.calculator_pb2_grpc import CalculatorStub

TIMEOUT_SECONDS = 5
MAX_INT64 = 9223372036854775807


def add(stub: CalculatorStub, a: int, b: int) -> int:
    return stub.Add(CalculatorRequest(a=a, b=b), timeout=TIMEOUT_SECONDS).result


def check_largest(stub: CalculatorStub) -> None:
    """Adds numbers that a double can't hold."""
    got = add(stub, 4611686018427387904, 4611686018427387903)
    if got != MAX_INT64:
        raise AssertionError(f"4611686018427387904 + 4611686018427387903: want {MAX_INT64}, got {got}")


def check_overflow(stub: CalculatorStub) -> None:
    try:
        got = add(stub, MAX_INT64, 1)
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.OUT_OF_RANGE:
            return
        raise
    raise AssertionError(f"{MAX_INT64} + 1: want OUT_OF_RANGE, got {got}")


def open_channel(address: str, folder: str | None) -> grpc.Channel:
    if folder is None:
        return grpc.insecure_channel(address)
    authorities, key, chain = (
        file.read_bytes() if file.exists() else None for file in (Path(folder, name) for name in ("ca.crt", "tls.key", "tls.crt"))
    )
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(authorities, key, chain))


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print("usage: client.py HOST:PORT [CERTIFICATES]", file=sys.stderr)
        return 2
    address, folder = sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None
    try:
        with open_channel(address, folder) as channel:
            stub = CalculatorStub(channel)
            total = add(stub, 2, 3)
            check_largest(stub)
            check_overflow(stub)
    except grpc.RpcError as error:
        print(f"Python client of {address}: {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except AssertionError as error:
        print(f"Python client of {address}: {error}", file=sys.stderr)
        return 1
    print(total)
    return 0


if __name__ == "__main__":
    sys.exit(main())
