"""A client as gRPC and OpenTelemetry for Python make it: calls the unary method at ADDRESS METHOD with an empty message.

Each span that has ended is a line of JSON.
"""

import json
import sys

import grpc
from opentelemetry.instrumentation.grpc import client_interceptor, intercept_channel
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id


class Printer(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        own = span.get_span_context()
        print(json.dumps({"traceId": format_trace_id(own.trace_id), "spanId": format_span_id(own.span_id)}))


address, method = sys.argv[1:]
provider = TracerProvider()
provider.add_span_processor(Printer())
with grpc.insecure_channel(address) as plain:
    channel = intercept_channel(plain, client_interceptor(provider))
    channel.unary_unary(method)(b"", timeout=60)
