// A client and a server as Go's gRPC and OpenTelemetry make them, with nothing of Rondo's. Each span that has ended is a line of JSON.
//
//	go run . ADDRESS METHOD   calls a unary method with an empty message
//	go run . serve            prints its address, and answers every call with an empty message
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// printer prints spans.
type printer struct{}

func (printer) OnStart(context.Context, trace.ReadWriteSpan) {}
func (printer) OnEnd(span trace.ReadOnlySpan) {
	own, parent := span.SpanContext(), span.Parent()
	json.NewEncoder(os.Stdout).Encode(map[string]string{
		"kind":         span.SpanKind().String(),
		"traceId":      own.TraceID().String(),
		"spanId":       own.SpanID().String(),
		"parentSpanId": parent.SpanID().String(),
	})
}
func (printer) Shutdown(context.Context) error   { return nil }
func (printer) ForceFlush(context.Context) error { return nil }

func main() {
	provider := otelgrpc.WithTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(printer{})))
	propagator := otelgrpc.WithPropagators(propagation.TraceContext{})
	var err error
	if len(os.Args) == 3 {
		err = call(os.Args[1], os.Args[2], grpc.WithStatsHandler(otelgrpc.NewClientHandler(provider, propagator)))
	} else {
		err = serve(grpc.StatsHandler(otelgrpc.NewServerHandler(provider, propagator)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func call(address, method string, traced grpc.DialOption) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), traced)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})
}

func serve(traced grpc.ServerOption) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	answer := func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}
	return grpc.NewServer(grpc.UnknownServiceHandler(answer), traced).Serve(listener)
}
