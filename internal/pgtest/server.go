package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/internal/testrun"
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

// Syncing starts a server that syncs, as one does that is in use, and ends it with the test.
func Syncing(t testing.TB) *Server {
	t.Helper()
	s := New("fsync=on")
	t.Cleanup(func() { s.End(t) })
	s.Start(t)
	return s
}

// Main runs the tests of a binary, which mostly wait, then ends the server and removes its
// directory.
func (s *Server) Main(m *testing.M) int {
	code := testrun.Waiting(m)
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

// Processor returns the processor time that each process of the server has used.
func (s *Server) Processor() map[int]time.Duration {
	used := map[int]time.Duration{}
	for _, pid := range s.PIDs() {
		used[pid] = processor(pid)
	}
	return used
}

// Port is the port that the server listens on, also while it does not run.
func (s *Server) Port() int { return s.port }

// Database makes a database for a test and returns its DSN. The test drops it at its end.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.Start(t)
	s.mu.Lock()
	s.made++
	name := fmt.Sprint("test", s.made)
	s.mu.Unlock()
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
	_, err = conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(statement, ": ", err)
	}
}
