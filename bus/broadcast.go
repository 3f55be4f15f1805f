package bus

import "sync"

// state is a line about how something goes, for who watches from outside.
type status struct {
	mu      sync.Mutex
	text    string
	retries uint64
}

func (s *status) set(text string, retries uint64) {
	s.mu.Lock()
	s.text, s.retries = text, retries
	s.mu.Unlock()
}

func (s *status) get() (text string, retries uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == "" {
		return "ok", s.retries
	}
	return s.text, s.retries
}

// change wakes all who wait for the next change.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// next returns a channel that is closed at the next change.
func (s *broadcast) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *broadcast) wake() {
	s.mu.Lock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
	s.mu.Unlock()
}
