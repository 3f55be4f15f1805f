package tcpproxy

import (
	"io"
	"net"
	"sync"
)

// Proxy passes connections on to a target until it is cut.
type Proxy struct {
	address, target string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// New returns a proxy to a target that listens on a port of its own.
func New(target string) (*Proxy, error) {
	p := &Proxy{address: "127.0.0.1:0", target: target, conns: map[net.Conn]bool{}}
	return p, p.Join()
}

// Address returns the host:port of the proxy, which stays the same.
func (p *Proxy) Address() string { return p.address }

// Join listens again after Cut.
func (p *Proxy) Join() error {
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener, p.address = listener, listener.Addr().String()
	p.mu.Unlock()
	p.running.Go(func() { p.accept(listener) })
	return nil
}

// Cut closes the listener and every connection, and waits for their end. It may be
// called again.
func (p *Proxy) Cut() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close() // nothing can be done about it
	}
	p.listener = nil
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return // Cut
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !p.add(listener, near, far) {
			return
		}
		p.running.Go(func() { p.pass(near, far) })
		p.running.Go(func() { p.pass(far, near) })
	}
}

// add notes a pair of connections, unless the proxy was cut.
func (p *Proxy) add(listener net.Listener, near, far net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		_ = near.Close()
		_ = far.Close()
		return false
	}
	p.conns[near], p.conns[far] = true, true
	return true
}

// pass copies one direction and closes both ends.
func (p *Proxy) pass(to, from net.Conn) {
	_, _ = io.Copy(to, from) // its end is the end of the connection
	_ = to.Close()
	_ = from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, to)
	delete(p.conns, from)
}
