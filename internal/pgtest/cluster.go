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
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// create makes the cluster. Its collation is not the order of bytes, so that a test fails
// where SQL relies on that order without asking for it.
func (s *Server) create(bin string) (err error) {
	if s.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.dir))
			s.dir = ""
		}
	}()
	for _, dir := range []string{s.dir, s.data(), filepath.Join(s.dir, "socket")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := own(dir); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")
	unprivileged(cmd)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%s: %w: the user that PostgreSQL runs as cannot enter %s: chmod a+x its directories, or set TMPDIR to another one", cmd, err, s.dir)
	}
	if err != nil {
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
		"fsync=off", "max_connections=100", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), args...)
	cmd.Dir = s.dir
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	process, err := start(cmd)
	if err := errors.Join(err, log.Close()); err != nil {
		return err
	}
	s.process = process
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
