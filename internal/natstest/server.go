package natstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startTimeout bounds the wait for a server on a busy machine.
const startTimeout = 2 * time.Minute

// Options configure a server.
type Options struct {
	// Config is added to the configuration file, such as its accounts.
	Config string
	// Domain is that of JetStream.
	Domain string
	// SyncAlways makes the server sync before it acknowledges.
	SyncAlways bool
	// User and Password are those that the helper itself logs in with. NoWait says that
	// this user may not ask for the state of JetStream.
	User, Password string
	NoWait         bool
}

// Server is a nats-server child process.
type Server struct {
	// Name is the server's name, URL where its clients connect, Dir its store.
	Name, URL, Dir string

	t         testing.TB
	options   Options
	port      int
	routePort int      // 0 without a cluster
	routes    []string // of all servers of the cluster
	file      string
	binary    string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	said  bytes.Buffer
}

// Start starts a server, and waits until it has JetStream.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := newServer(t, "n1", o)
	s.Restart()
	s.AwaitJetStream()
	return s
}

func newServer(t testing.TB, name string, o Options) *Server {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	s := &Server{
		Name: name, URL: fmt.Sprintf("nats://127.0.0.1:%d", port), Dir: filepath.Join(dir, "store"),
		t: t, options: o, port: port, file: filepath.Join(dir, "server.conf"), binary: binary(t),
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the end of what server %s said:\n%s", s.Name, s.end())
		}
	})
	return s
}

// Configure replaces what Options.Config adds to the configuration file.
func (s *Server) Configure(config string) {
	s.t.Helper()
	s.options.Config = config
	s.writeConfig()
}

func (s *Server) writeConfig() {
	s.t.Helper()
	sync := "1s"
	if s.options.SyncAlways {
		sync = "always"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "server_name: %q\nlisten: \"127.0.0.1:%d\"\njetstream { store_dir: %q, sync_interval: %s, domain: %q }\n", s.Name, s.port, s.Dir, sync, s.options.Domain)
	if s.routePort > 0 {
		fmt.Fprintf(&b, "cluster { name: test, listen: \"127.0.0.1:%d\", routes: [%s] }\n", s.routePort, strings.Join(s.routes, ", "))
	}
	b.WriteString(s.options.Config)
	if err := os.WriteFile(s.file, b.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Restart starts the process, which must not run. It does not wait.
func (s *Server) Restart() {
	s.t.Helper()
	s.writeConfig()
	cmd := exec.Command(s.binary, "-c", s.file)
	cmd.Stdout, cmd.Stderr = &output{server: s}, &output{server: s}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.mu.Lock()
	s.cmd, s.ended = cmd, ended
	s.mu.Unlock()
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
}

// Kill kills the process and waits for its end. It may have ended.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd, ended := s.cmd, s.ended
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	<-ended
}

// CopyStore copies the store of a server that does not run into a new directory.
func (s *Server) CopyStore() (dir string) {
	s.t.Helper()
	dir = filepath.Join(s.t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(s.Dir)); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// ReplaceStore replaces the store of a server that does not run by a copy.
func (s *Server) ReplaceStore(dir string) {
	s.t.Helper()
	if err := errors.Join(os.RemoveAll(s.Dir), os.CopyFS(s.Dir, os.DirFS(dir))); err != nil {
		s.t.Fatal(err)
	}
}

// Connect opens a connection of the client library.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	nc, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

func (s *Server) dial() (*nats.Conn, error) {
	return nats.Connect(s.URL, nats.UserInfo(s.options.User, s.options.Password), nats.Timeout(10*time.Second), nats.MaxReconnects(-1))
}

// AwaitJetStream waits until the server answers requests to JetStream.
func (s *Server) AwaitJetStream() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := s.askJetStream(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			s.t.Fatalf("server %s has no JetStream: %v\n%s", s.Name, err, s.end())
		}
	}
}

func (s *Server) askJetStream(ctx context.Context) error {
	nc, err := s.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if s.options.NoWait {
		return nil
	}
	_, err = js.AccountInfo(ctx)
	return err
}

// end returns the end of what the process has written.
func (s *Server) end() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.said.Bytes()
	return string(b[max(0, len(b)-3000):])
}

// output collects what a server writes.
type output struct{ server *Server }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.server.mu.Lock()
	defer o.server.mu.Unlock()
	return o.server.said.Write(p)
}

// freePort returns a port that nobody listens on now.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
