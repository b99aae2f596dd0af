// Calls calculator.Calculator by the target of the first argument, as often a second as the second says, and prints the answers of each
// second as JSON. A server of the laboratory answers with its number.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/xds"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var (
	mutex  sync.Mutex
	counts = map[string]int{}
)

func main() {
	rate, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	// TLS if the registry says so, else none.
	transport, err := xds.NewClientCredentials(xds.ClientOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		panic(err)
	}
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(transport))
	if err != nil {
		panic(err)
	}
	go report()
	for range time.Tick(time.Second / time.Duration(rate)) {
		go call(conn)
	}
}

// call adds 0 and 0: an empty message, and an answer whose first field is an integer.
func call(conn *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var sum wrapperspb.Int64Value
	err := conn.Invoke(ctx, "/calculator.Calculator/Add", &emptypb.Empty{}, &sum)
	answer := strconv.FormatInt(sum.Value, 10)
	if err != nil {
		answer = fmt.Sprintf("%d %s", status.Code(err), status.Convert(err).Message())
	}
	mutex.Lock()
	defer mutex.Unlock()
	counts[answer]++
}

func report() {
	for range time.Tick(time.Second) {
		mutex.Lock()
		line, _ := json.Marshal(counts)
		counts = map[string]int{}
		mutex.Unlock()
		fmt.Println(string(line))
	}
}
