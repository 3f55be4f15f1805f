package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// patience is how long a test waits for an event that has to come.
const patience = 2 * time.Minute

// built are the commands that the tests run, by their names.
var built = struct {
	aimdb, server func() (string, error)
}{}

// TestMain builds the commands at their first use.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.aimdb = sync.OnceValues(func() (string, error) { return build(dir, "../../../..", "./cmd/aimdb") })
	built.server = sync.OnceValues(func() (string, error) { return build(dir, ".", ".") })
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// build builds a command of the module in a directory, and returns its path.
func build(to, module, pkg string) (string, error) {
	to = filepath.Join(to, strings.NewReplacer(".", "_", "/", "_").Replace(pkg))
	c := exec.Command("go", "build", "-o", to, pkg)
	c.Dir = module
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return to, nil
}

// tool returns the path of a program that Debian's packages prometheus and victoria-metrics
// have.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		needed.Missing(t, "%s (Debian packages prometheus and victoria-metrics): %v", name, err)
	}
	return path
}

// log keeps what a command writes.
type log struct {
	process *os.Process
	ended   chan struct{} // closed when the command has ended

	mu      sync.Mutex
	text    []byte
	changed chan struct{} // holds a token after a change
}

// Write implements io.Writer.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// await waits for text that an expression matches, and returns what its group has.
func (l *log) await(t testing.TB, expression string) string {
	t.Helper()
	re := regexp.MustCompile(expression)
	for late := time.After(patience); ; {
		if m := re.FindStringSubmatch(l.String()); m != nil {
			return m[1]
		}
		select {
		case <-l.changed:
		case <-late:
			t.Fatalf("the command does not say %s", expression)
		}
	}
}

// child starts a command and ends it with the test. It returns its log, which a test that
// fails shows.
func child(t testing.TB, name string, args ...string) *log {
	t.Helper()
	c, l := exec.Command(name, args...), &log{ended: make(chan struct{}), changed: make(chan struct{}, 1)}
	c.Stdout, c.Stderr, c.WaitDelay = l, l, patience
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	l.process = c.Process
	go func() { defer close(l.ended); _ = c.Wait() }() // its error says what the test has seen
	t.Cleanup(func() {
		l.stop(t)
		if t.Failed() {
			t.Logf("%s:\n%.4000s", filepath.Base(name), l)
		}
	})
	return l
}

// stop interrupts the command, if it still runs, and waits for its end.
func (l *log) stop(t testing.TB) {
	t.Helper()
	_ = l.process.Signal(os.Interrupt) // it may have ended
	select {
	case <-l.ended:
	case <-time.After(patience):
		_ = l.process.Kill()
		<-l.ended
		t.Errorf("the command did not end when it was interrupted")
	}
}

// fill makes a history with some rows.
func fill(t testing.TB, path string, rows iter.Seq2[history.Row, error]) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	_, err = store.Import(t.Context(), rows)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// startHub runs the weather hub on a history, and returns its socket.
func startHub(t testing.TB, dir string, rows iter.Seq2[history.Row, error]) string {
	t.Helper()
	aimdb, err := built.aimdb()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "history.db"), rows)
	runHub(t, aimdb, dir)
	return filepath.Join(dir, "s")
}

// runHub runs the hub of a directory until it answers on its socket.
func runHub(t testing.TB, aimdb, dir string) *log {
	t.Helper()
	socket := filepath.Join(dir, "s")
	l := child(t, aimdb, "demo", "--steps", "0", "--data-dir", dir, "--aimx", socket, "--nats", "off", "--http", "off")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		c, err := aimx.Dial(ctx, socket)
		if err == nil {
			_ = c.Close()
			return l
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the hub does not answer: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// startAdapter runs the adapter and returns its URL.
func startAdapter(t testing.TB, args ...string) string {
	t.Helper()
	return startAdapterAt(t, `url=(http://127\.0\.0\.1:\d+)`, args...)
}

// startAdapterAt runs the adapter and returns the URL that it tells.
func startAdapterAt(t testing.TB, url string, args ...string) string {
	t.Helper()
	adapter, err := built.server()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-metrics", "../../weather.yaml", "-listen", "127.0.0.1:0"}, args...)
	return child(t, adapter, args...).await(t, url)
}

// get returns the body of an answer.
func get(t testing.TB, base, path string, form url.Values) string {
	t.Helper()
	answer, err := http.PostForm(base+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s%s %v: %s %s, %v", base, path, form, answer.Status, body, err)
	}
	return string(body)
}

// shortDir is a directory whose path is short enough for a socket.
func shortDir(t testing.TB) string {
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
	return dir
}

// output runs a program and returns what it prints.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// do returns the body of an answer.
func do(t testing.TB, r *http.Request) string {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s, %v", r.Method, r.URL, answer.Status, body, err)
	}
	return string(body)
}

// freeAddress is one of loopback where nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
