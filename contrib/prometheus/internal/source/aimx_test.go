package source_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/source"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// database answers the requests of AimX that a source makes.
type database struct {
	net.Listener
	accepted chan net.Conn
	served   sync.WaitGroup
}

// start listens on a socket of a directory.
func start(t *testing.T, socket string) *database {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	d := &database{Listener: l, accepted: make(chan net.Conn, 100)}
	d.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.accepted <- conn
			d.served.Go(func() { d.serve(conn) })
		}
	})
	return d
}

// stop ends the server and its connections.
func (d *database) stop() {
	_ = d.Close()
	for {
		select {
		case conn := <-d.accepted:
			_ = conn.Close()
			continue
		default:
		}
		break
	}
	d.served.Wait()
}

func (d *database) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for in := bufio.NewScanner(conn); in.Scan(); {
		var request struct {
			ID     uint64
			Method string
			Params struct{ Pattern, Cursor string }
		}
		if err := json.Unmarshal(in.Bytes(), &request); err != nil {
			return
		}
		result := map[string]string{
			"hello":         `"ok":{"version":"3.0","server":"x","permissions":[],"writable_records":[]}`,
			"history.stats": `"ok":{"identity":"x","records":[{"record":"a","rows":3,"first_time":1,"last_time":3}],"rows":3}`,
			"history.page":  `"ok":{"rows":[{"record":"a","time":1,"value":1},{"record":"a","time":2,"value":2}],"left_out":0,"max_id":3,"next":"more"}`,
		}[request.Method]
		switch {
		case request.Params.Cursor == "more":
			result = `"ok":{"rows":[{"record":"a","time":3,"value":3}],"left_out":0,"max_id":3,"next":""}`
		case request.Params.Pattern == "secret":
			result = `"err":"denied","msg":"not for you"`
		}
		if _, err := fmt.Fprintf(conn, `{"t":"reply","id":%d,%s}`+"\n", request.ID, result); err != nil {
			return
		}
	}
}

// times reads a range and returns the times of its rows.
func times(ctx context.Context, a *source.AimX, pattern string, limit int) (all []int64, err error) {
	for row, err := range a.Range(ctx, history.RangeQuery{Pattern: key.WirePattern(pattern)}) {
		if err != nil {
			return all, err
		}
		if all = append(all, row.Time); len(all) == limit {
			break
		}
	}
	return all, nil
}

func open(t *testing.T, socket string) *source.AimX {
	t.Helper()
	a, err := source.NewAimX(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func shortSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "s")
}

func TestPagesBecomeOneRange(t *testing.T) {
	socket := shortSocket(t)
	d := start(t, socket)
	defer d.stop()
	a := open(t, socket)
	if got, err := times(t.Context(), a, "a", 0); err != nil || fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := times(t.Context(), a, "a", 1); err != nil || fmt.Sprint(got) != "[1]" {
		t.Errorf("the first: got %v, %v", got, err)
	}
	if s, err := a.Stats(t.Context()); err != nil || len(s.Records) != 1 || s.Records[0].LastTime != 3 {
		t.Errorf("got %+v, %v", s, err)
	}
	var refused *aimx.Refusal
	if got, err := times(t.Context(), a, "secret", 0); !errors.As(err, &refused) || refused.Code != aimx.CodeDenied || len(got) > 0 {
		t.Errorf("a refusal: got %v, %v", got, err)
	}
	if len(d.accepted) != 1 {
		t.Errorf("it has connected %d times", len(d.accepted))
	}
}

// TestOneConnection: queries that begin together share one connection.
func TestOneConnection(t *testing.T) {
	socket := shortSocket(t)
	d := start(t, socket)
	defer d.stop()
	a := open(t, socket)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			if got, err := times(t.Context(), a, "a", 0); err != nil || len(got) != 3 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	asking.Wait()
	if len(d.accepted) != 1 {
		t.Errorf("it has connected %d times", len(d.accepted))
	}
}

// TestConnectsAgain: a query fails while the database is away, and not after its return.
func TestConnectsAgain(t *testing.T) {
	socket := shortSocket(t)
	a := open(t, socket)
	for range 2 {
		var lost *aimx.ConnectionError
		if _, err := times(t.Context(), a, "a", 0); !errors.As(err, &lost) {
			t.Errorf("while nobody listens: %v", err)
		}
		if _, err := a.Stats(t.Context()); !errors.As(err, &lost) {
			t.Errorf("while nobody listens: %v", err)
		}
		d := start(t, socket)
		if got, err := times(t.Context(), a, "a", 0); err != nil || len(got) != 3 {
			t.Errorf("after the return: %v, %v", got, err)
		}
		d.stop()
	}
}

// TestWaitEndsWithItsContext: a database that does not answer keeps nobody.
func TestWaitEndsWithItsContext(t *testing.T) {
	socket := shortSocket(t)
	l, err := net.Listen("unix", socket) // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	a := open(t, socket)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var asking sync.WaitGroup
	for range 2 { // one connects, one waits for it
		asking.Go(func() {
			if _, err := times(ctx, a, "a", 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
	asking.Wait()
}

func TestEndpoint(t *testing.T) {
	if _, err := source.NewAimX("gopher://x"); err == nil || !strings.Contains(err.Error(), "unknown scheme") {
		t.Errorf("got %v", err)
	}
}
