// A client as Go's gRPC makes it, that calls a unary method with encoded requests, and prints what comes back as JSON: a line
// a call, with its code, message, details, reply, header and trailer.
//
//	go run . ADDRESS METHOD TIMEOUT REQUEST...
//
// METHOD is /package.Service/Method, TIMEOUT a duration such as 500ms, and a REQUEST is hexadecimal.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw passes messages on as they are.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

type outcome struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Details []string    `json:"details"`
	Reply   string      `json:"reply"`
	Header  metadata.MD `json:"header"`
	Trailer metadata.MD `json:"trailer"`
}

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: ADDRESS METHOD TIMEOUT REQUEST...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, method, limit string, requests []string) error {
	timeout, err := time.ParseDuration(limit)
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, text := range requests {
		request, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		if err := call(conn, method, timeout, request); err != nil {
			return err
		}
	}
	return nil
}

func call(conn *grpc.ClientConn, method string, timeout time.Duration, request []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-sent", "from go", "x-sent-bin", "\x00\xff")
	var reply []byte
	var result outcome
	err := conn.Invoke(ctx, method, &request, &reply, grpc.ForceCodec(raw{}), grpc.Header(&result.Header), grpc.Trailer(&result.Trailer))
	ended := status.Convert(err)
	result.Code, result.Message, result.Reply = ended.Code().String(), ended.Message(), hex.EncodeToString(reply)
	for _, detail := range ended.Proto().GetDetails() {
		result.Details = append(result.Details, detail.TypeUrl+" "+hex.EncodeToString(detail.Value))
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
