package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/records"
)

// watched is a watch that runs.
type watched struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr stderrText
}

// stderrText is what a command has said on stderr so far.
type stderrText struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // holds a token after a change
}

// Write implements io.Writer.
func (s *stderrText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

// String returns the text so far.
func (s *stderrText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait waits until the text has a part.
func (s *stderrText) wait(t *testing.T, part string) {
	t.Helper()
	for late := time.After(time.Minute); !strings.Contains(s.String(), part); {
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("stderr does not say %q:\n%s", part, s)
		}
	}
}

func startWatch(t *testing.T, args ...string) *watched {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	w := &watched{stderr: stderrText{more: make(chan struct{}, 1)}, cmd: exec.CommandContext(ctx, os.Getenv(binaryVariable), append([]string{"watch"}, args...)...)}
	w.cmd.Stderr = &w.stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.out = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// line waits for the next line of stdout.
func (w *watched) line(t *testing.T) string {
	t.Helper()
	line, err := w.out.ReadString('\n')
	if err != nil {
		t.Fatalf("no line came, but %q and %v; stderr: %s", line, err, &w.stderr)
	}
	return line
}

// end reads the rest of stdout and waits for the end.
func (w *watched) end(t *testing.T) (rest string, err error) {
	t.Helper()
	all, readErr := io.ReadAll(w.out)
	if readErr != nil {
		t.Error(readErr)
	}
	return string(all), w.cmd.Wait()
}

// latest returns the registry of a record with one value, and what writes it.
func latest(t *testing.T) (*records.Registry, func(int)) {
	t.Helper()
	registry := records.NewRegistry(records.RegistryOptions{})
	r, err := records.Register[int](registry, "attic.co2", records.Config{Kind: records.Latest, Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry, func(n int) { r.Produce(n) }
}

// gatewayAt serves a registry on a socket until stop is called.
func gatewayAt(t *testing.T, socket string, registry *records.Registry) (stop func()) {
	t.Helper()
	l, err := gateway.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- gateway.New(gateway.Config{Registry: registry}).Serve(ctx, l) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

// TestWatchConnectsAgain: a plain watch goes on after the server was away. The current value
// is printed again only if it is another one.
func TestWatchConnectsAgain(t *testing.T) {
	registry, produce := latest(t)
	socket := shortPath(t)
	produce(1)
	stop := gatewayAt(t, socket, registry)
	w := startWatch(t, "attic.*", "--count", "3", "--format", "ndjson", "--connect", socket)
	if got := w.line(t); got != `{"record":"attic.co2","value":1}`+"\n" {
		t.Errorf("the first line is %q", got)
	}
	stop()
	stop = gatewayAt(t, socket, registry)
	w.stderr.wait(t, "connected again after")
	other := startWatch(t, "attic.*", "--count", "1", "--connect", socket) // so that the first watch has the current value again
	if _, err := other.end(t); err != nil {
		t.Error(err)
	}
	produce(2)
	defer stop()
	if got := w.line(t); got != `{"record":"attic.co2","value":2}`+"\n" {
		t.Errorf("after the cut came %q", got)
	}
	produce(3)
	rest, err := w.end(t)
	if err != nil || rest != `{"record":"attic.co2","value":3}`+"\n" {
		t.Errorf("at the end came %q, %v", rest, err)
	}
	w.stderr.wait(t, "connecting again")
	w.stderr.wait(t, "--from")
}

// TestWatchWithoutReconnect ends with the connection.
func TestWatchWithoutReconnect(t *testing.T) {
	registry, produce := latest(t)
	socket := shortPath(t)
	produce(1)
	stop := gatewayAt(t, socket, registry)
	w := startWatch(t, "attic.co2", "--no-reconnect", "--format", "json", "--connect", socket)
	first := w.line(t)
	if _, err := w.out.Peek(1); err != nil { // the value has no end of a line yet
		t.Fatal(err)
	}
	stop()
	rest, err := w.end(t)
	if err == nil || !strings.Contains(w.stderr.String(), "the server closed the connection") {
		t.Errorf("%v, and on stderr %q", err, &w.stderr)
	}
	var all []seen
	if err := json.Unmarshal([]byte(first+rest), &all); err != nil || len(all) != 1 {
		t.Errorf("%q: %v", first+rest, err)
	}
}

// TestWatchEndsAtCtrlC with status 0, and with an array that is closed.
func TestWatchEndsAtCtrlC(t *testing.T) {
	registry, produce := latest(t)
	socket := shortPath(t)
	produce(1)
	defer gatewayAt(t, socket, registry)()
	w := startWatch(t, "attic.co2", "--format", "json", "--connect", socket)
	first := w.line(t)
	if _, err := w.out.Peek(1); err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := w.end(t)
	var all []seen
	if err != nil || json.Unmarshal([]byte(first+rest), &all) != nil || len(all) != 1 || w.stderr.String() != "" {
		t.Errorf("%q, %v, and on stderr %q", first+rest, err, &w.stderr)
	}
}

// TestWatchThatEnds: what ends a watch, and what it says.
func TestWatchThatEnds(t *testing.T) {
	t.Parallel()
	registry, produce := latest(t)
	socket := shortPath(t)
	produce(1)
	defer gatewayAt(t, socket, registry)()
	at := []string{"watch", "--connect", socket}
	if r := aimdb(t, append(at, "attic.co2", "--timeout", "50ms")...); r.code != exitOK || r.stderr != "" {
		t.Errorf("got %+v", r)
	}
	r := aimdb(t, append(at, "attic.co2", "--timeout", "1s", "--count", "2")...)
	if r.fails(t, exitFailed, "only 1 of 2 values came within 1s"); r.stdout != "RECORD     VALUE\nattic.co2  1\n" {
		t.Errorf("it prints %q", r.stdout)
	}
	aimdb(t, append(at, "attic.co3")...).fails(t, exitFailed, "attic.co3", "not_found")
	if r := aimdb(t, append(at, "cellar.*", "--timeout", "50ms")...); r.ok(t) != "" || !strings.Contains(r.stderr, "no record matches cellar.*") {
		t.Errorf("got %+v", r)
	}
	aimdb(t, append(at, "attic.co2", "--from", "soon")...).fails(t, exitUsage, "RFC 3339", "position")
	aimdb(t, append(at, "attic.co2", "--count", "-1")...).fails(t, exitUsage, "--count")
}

// TestWatchFromAPosition: each value has the position from which another watch goes on.
func TestWatchFromAPosition(t *testing.T) {
	asked := make(chan gateway.FollowQuery, 1)
	registry, socket := followable(t), shortPath(t)
	l, err := gateway.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	server := gateway.New(gateway.Config{Registry: registry, Follow: func(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
		asked <- q
		return func(yield func(gateway.FollowEvent, error) bool) {
			numbersAfter(yield, gateway.FollowBegin{}, 3, 3, func() { <-ctx.Done() })
		}
	}})
	go func() { ended <- server.Serve(ctx, l) }()
	w := startWatch(t, "attic.co2", "--from", "B.2", "--no-reconnect", "--format", "ndjson", "--connect", socket)
	if got, want := w.line(t), `{"record":"attic.co2","time":1700000003000,"value":3,"position":"B.3"}`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if q := <-asked; q.After != "B.2" {
		t.Errorf("asked %+v", q)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if rest, err := w.end(t); err == nil || rest != "" || !strings.Contains(w.stderr.String(), "aimdb: follow attic.co2") {
		t.Errorf("--no-reconnect: %q, %v, and on stderr %q", rest, err, &w.stderr)
	}
}
