// A client as Go's gRPC makes it, that cancels many calls and lets many deadlines pass over one connection, with innocent
// calls among them: of the health service that answers "" at once and "slow" never.
//
//	go run ./client ADDRESS SECONDS RATE
//
// It gives up RATE calls a second in each of the two ways, and prints what became of all calls as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

const (
	givenUpAfter  = 20 * time.Millisecond
	innocentEvery = 20 * time.Millisecond
	innocents     = 10
	patience      = 10 * time.Minute
	tick          = 10 * time.Millisecond
)

type connections struct{ count atomic.Int64 }

func (*connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (*connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *connections) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, began := event.(*stats.ConnBegin); began {
		c.count.Add(1)
	}
}

// tally counts what became of calls of one kind.
type tally struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (t *tally) add(err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	name := status.Code(err).String()
	if code := status.Code(err); code != codes.OK && code != codes.DeadlineExceeded && code != codes.Canceled {
		name = err.Error()
	}
	t.counts[name]++
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: ADDRESS SECONDS RATE")
		os.Exit(2)
	}
	seconds, err1 := strconv.ParseFloat(os.Args[2], 64)
	rate, err2 := strconv.Atoi(os.Args[3])
	made := &connections{}
	conn, err3 := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(made))
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	defer conn.Close()
	result := run(grpc_health_v1.NewHealthClient(conn), time.Duration(seconds*float64(time.Second)), rate)
	result["connections"] = made.count.Load()
	json.NewEncoder(os.Stdout).Encode(result)
}

func run(client grpc_health_v1.HealthClient, lasting time.Duration, rate int) map[string]any {
	var expired, cancelled, innocent tally
	var all sync.WaitGroup
	slow := &grpc_health_v1.HealthCheckRequest{Service: "slow"}
	began := time.Now()
	ends := began.Add(lasting)
	for range innocents {
		all.Go(func() {
			for time.Now().Before(ends) {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
				cancel()
				innocent.add(err)
				time.Sleep(innocentEvery)
			}
		})
	}
	expire := func() {
		ctx, cancel := context.WithTimeout(context.Background(), givenUpAfter)
		defer cancel()
		_, err := client.Check(ctx, slow)
		expired.add(err)
	}
	abandon := func() {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(givenUpAfter, cancel)
		_, err := client.Check(ctx, slow)
		cancelled.add(err)
	}
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	sent := 0
	for now := time.Now(); now.Before(ends); now = <-ticks.C {
		for due := int(now.Sub(began).Seconds() * float64(rate)); sent < due; sent++ {
			all.Go(expire)
			all.Go(abandon)
		}
	}
	all.Wait()
	took := time.Since(began).Seconds()
	return map[string]any{
		"expired": expired.counts, "cancelled": cancelled.counts, "innocent": innocent.counts,
		"givenUpPerSecond": float64(sent) / lasting.Seconds(), "seconds": took,
	}
}
