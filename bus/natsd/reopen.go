package natsd

import (
	"errors"
	"os"
	"time"
)

// requiredSpace is how many bytes must fit on the disk before a stopped store is opened
// again. With less it would stop at once.
const requiredSpace = 1 << 20

// Reopen restarts the server, if its disk has room: JetStream stops a store that met a
// full disk until it is opened again, and does not always notice that a file of it is
// damaged until then. It reports whether it tried.
func (s *Server) Reopen() bool {
	if s.config.Dir == "" || s.Writable() != nil {
		return false
	}
	log := s.config.Logger.With("dir", s.config.Dir)
	log.Warn("natsd: opening the store again")
	start := time.Now()
	if err := s.Restart(); err != nil {
		log.Error("natsd: the store could not be opened again", "error", err)
		return true
	}
	log.Info("natsd: the store is open again", "after", time.Since(start).Round(time.Millisecond).String())
	return true
}

// Writable returns why the disk of the store takes no data. It writes a file, because the
// amount of free space is not enough: quotas and limits on file sizes stop a store as well.
func (s *Server) Writable() error {
	if s.config.Dir == "" {
		return nil
	}
	f, err := os.CreateTemp(s.dir, ".probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, requiredSpace))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// Restart stops the server and starts another on the same streams and port. If that
// fails, the server has stopped for good.
func (s *Server) Restart() error {
	s.mu.Lock()
	s.restarting = !s.stopped
	old, stopped := s.current, s.stopped
	s.mu.Unlock()
	if stopped {
		return errors.New("natsd: the server is stopped for good")
	}
	s.auth.outside.Store(nil)
	s.auth.sites.Store(nil)
	old.Shutdown()
	old.WaitForShutdown()
	err := s.start()
	s.mu.Lock()
	s.restarting = false
	stopped, last := s.stopped, s.current
	if err != nil {
		s.end()
	}
	s.mu.Unlock()
	if stopped { // Close was called meanwhile
		last.Shutdown()
		last.WaitForShutdown()
	}
	return err
}
