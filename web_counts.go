package aimdb

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// WebCounts are what the web server of a database did so far.
type WebCounts struct {
	// Connections are open, without those that became WebSockets.
	Connections int64
	// Requests counts the requests that were answered by the status. One that became a
	// WebSocket has 101.
	Requests map[int]uint64
	// Slow counts the requests that ended because the client took nothing for too long.
	Slow uint64
}

type webCounts struct {
	connections atomic.Int64
	slow        atomic.Uint64

	mu       sync.Mutex
	requests map[int]uint64
}

func (c *webCounts) counts() WebCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return WebCounts{Connections: c.connections.Load(), Requests: maps.Clone(c.requests), Slow: c.slow.Load()}
}

// state is called when a connection changes its state.
func (c *webCounts) state(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		c.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.connections.Add(-1)
	}
}

// count counts the requests to a handler.
func (c *webCounts) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &countedWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if counted.slow {
				c.slow.Add(1)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.requests == nil {
				c.requests = make(map[int]uint64)
			}
			c.requests[counted.status]++
		}()
		next.ServeHTTP(counted, r)
	})
}

// countedWriter notes the status of an answer, and whether its client was too slow.
type countedWriter struct {
	http.ResponseWriter
	status        int
	written, slow bool
}

// Unwrap is for http.ResponseController.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *countedWriter) WriteHeader(status int) {
	if !w.written {
		w.status = status
		w.written = status >= 200 || status == http.StatusSwitchingProtocols
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *countedWriter) Write(text []byte) (int, error) {
	w.written = true
	n, err := w.ResponseWriter.Write(text)
	w.note(err)
	return n, err
}

// FlushError is for http.ResponseController.
func (w *countedWriter) FlushError() error {
	w.written = true
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.note(err)
	return err
}

// Flush implements http.Flusher.
func (w *countedWriter) Flush() { _ = w.FlushError() } // it has no error

func (w *countedWriter) note(err error) { w.slow = w.slow || errors.Is(err, os.ErrDeadlineExceeded) }
