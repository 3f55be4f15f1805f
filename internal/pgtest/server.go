package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long a server may take to start or to stop.
const patience = 2 * time.Minute

// Server is a PostgreSQL server. Its methods are called by one test at a time.
type Server struct {
	mu sync.Mutex
	// dir is empty before the first start. It has the directories data and socket.
	dir      string
	port     int
	process  *process
	settings []string
	made     int
}

// New returns a server that the first call of Database or Start starts, with settings
// such as "max_wal_size=64MB" besides its own.
func New(settings ...string) *Server { return &Server{settings: settings} }

// Main runs the tests of a binary, then ends the server and removes its directory.
func (s *Server) Main(m *testing.M) int {
	code := m.Run()
	if err := s.end(); err != nil {
		fmt.Fprintln(os.Stderr, "end the PostgreSQL server of the tests:", err)
		return max(code, 1)
	}
	return code
}

// End ends a server that a test has for itself, and removes its directory.
func (s *Server) End(t testing.TB) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func (s *Server) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// Start starts the server if it does not run, and waits until it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	bin, err := binaries()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if s.process != nil {
		return
	}
	if s.dir == "" {
		if err := s.create(bin); err != nil {
			t.Fatal("make a PostgreSQL cluster: ", err)
		}
	}
	if err := s.run(bin); err != nil {
		t.Fatal("start PostgreSQL: ", err)
	}
}

// Kill ends all processes of the server as kill -9 does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Stop ends the server in an orderly way. It cuts all connections.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	if err := s.process.stop(); err != nil {
		t.Fatal("stop PostgreSQL: ", err)
	}
	s.process = nil
}

// Save copies the data of the server, which is stopped for that and started again. The
// function that it returns kills the server and starts it with the copy.
func (s *Server) Save(t testing.TB) (restore func()) {
	t.Helper()
	s.Stop(t)
	saved := filepath.Join(s.dir, fmt.Sprint("saved", time.Now().UnixNano()))
	copyTree(t, s.data(), saved)
	s.Start(t)
	return func() {
		t.Helper()
		s.Kill(t)
		if err := os.RemoveAll(s.data()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(saved, s.data()); err != nil {
			t.Fatal(err)
		}
		s.Start(t)
	}
}

// PIDs returns the processes of the server, its first one first.
func (s *Server) PIDs() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	return slices.Insert(children(s.process.pid()), 0, s.process.pid())
}

// Port is the port that the server listens on, also while it does not run.
func (s *Server) Port() int { return s.port }

// Database makes a database for a test and returns its DSN. The test drops it at its end.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.Start(t)
	s.made++
	name := fmt.Sprint("test", s.made)
	s.admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		s.Start(t)
		s.admin(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	return s.DSN(name)
}

// DSN returns the connection string of a database.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Own gives a directory to the user that the server runs as.
func (s *Server) Own(t testing.TB, dir string) {
	t.Helper()
	if err := own(dir); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) admin(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(statement, ": ", err)
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// create makes the cluster. Its collation is not the order of bytes, so that a test fails
// where SQL relies on that order without asking for it.
func (s *Server) create(bin string) (err error) {
	if s.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return err
	}
	for _, dir := range []string{s.dir, s.data(), filepath.Join(s.dir, "socket")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := own(dir); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
	unprivileged(cmd)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return nil
}

// run starts the server. The port is chosen at the first start and stays.
func (s *Server) run(bin string) (err error) {
	if s.port == 0 {
		if s.port, err = freePort(); err != nil {
			return err
		}
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port)}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=" + filepath.Join(s.dir, "socket"),
		"max_connections=30", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
	cmd.Dir = s.dir
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if s.process, err = start(cmd); err != nil {
		return err
	}
	if err := s.await(); err != nil {
		s.process.kill()
		s.process = nil
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// await waits until the server takes connections.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.process.done:
			return errors.Join(errors.New("the server has ended"), err)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// binaries finds the directory that has initdb and postgres.
func binaries() (string, error) {
	if !supported {
		return "", errors.New("the tests start PostgreSQL on Linux only")
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is right
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	path, err := exec.LookPath("initdb")
	if err == nil {
		_, err = exec.LookPath("postgres")
	}
	if err != nil {
		return "", errors.New("PostgreSQL is not installed: neither PATH nor /usr/lib/postgresql/*/bin has initdb and postgres (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(path), nil
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	cmd := exec.Command("cp", "-a", from, to)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
}
