//go:build unix

package natstest

import "syscall"

// Reload makes the process read its configuration file again. It does not wait.
func (s *Server) Reload() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
}
