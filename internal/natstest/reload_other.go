//go:build !unix

package natstest

// Reload fails the test: servers take a signal for it, which this system has not.
func (s *Server) Reload() {
	s.t.Helper()
	s.t.Fatal("a server reads its configuration again on Unix only")
}
