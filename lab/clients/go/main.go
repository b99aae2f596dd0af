// An existing client of calculator.Calculator: stubs as protoc-gen-go and protoc-gen-go-grpc make them, nothing of
// Rondo's own. It prints 2 + 3 as the server at its first argument computes it. A second argument is a folder with
// ca.crt, for TLS, and with tls.crt and tls.key, if the client has a certificate.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"rondo/lab/clients/go/gen/calculatorpb"
)

const timeout = 5 * time.Second

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client HOST:PORT [CERTIFICATES]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "Go client of %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func run(address string, folders []string) error {
	transport := insecure.NewCredentials()
	if len(folders) > 0 {
		var err error
		if transport, err = credentialsIn(folders[0]); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(transport))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := calculatorpb.NewCalculatorClient(conn)

	sum, err := add(client, 2, 3)
	if err != nil {
		return err
	}
	if err := checkLargest(client); err != nil {
		return err
	}
	if err := checkOverflow(client); err != nil {
		return err
	}
	fmt.Println(sum)
	return nil
}

func credentialsIn(folder string) (credentials.TransportCredentials, error) {
	authorities, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authorities)
	own, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	if err == nil {
		config.Certificates = []tls.Certificate{own}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return credentials.NewTLS(config), nil
}

// checkLargest adds numbers that a double can't hold.
func checkLargest(client calculatorpb.CalculatorClient) error {
	const want = 9223372036854775807
	got, err := add(client, 4611686018427387904, 4611686018427387903)
	if err == nil && got != want {
		err = fmt.Errorf("4611686018427387904 + 4611686018427387903: want %d, got %d", want, got)
	}
	return err
}

func checkOverflow(client calculatorpb.CalculatorClient) error {
	got, err := add(client, 9223372036854775807, 1)
	if err == nil {
		return fmt.Errorf("9223372036854775807 + 1: want OutOfRange, got %d", got)
	}
	if status.Code(err) != codes.OutOfRange {
		return fmt.Errorf("9223372036854775807 + 1: want OutOfRange, got %w", err)
	}
	return nil
}

func add(client calculatorpb.CalculatorClient, a, b int64) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	response, err := client.Add(ctx, &calculatorpb.CalculatorRequest{A: a, B: b})
	return response.GetResult(), err
}
