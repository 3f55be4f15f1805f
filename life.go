package aimdb

import (
	"context"
	"errors"
	"sync"
)

// ErrRan says that Run was called on a database that runs, has run or is
// closed.
var ErrRan = errors.New("aimdb: a database runs once; open another one with New")

// life makes sure that a database runs at most once and is released once.
type life struct {
	mu      sync.Mutex
	started bool
	stop    context.CancelFunc
	done    chan struct{}
	once    sync.Once
	err     error
}

// start returns the context of the one run.
func (l *life) start(ctx context.Context) (context.Context, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return nil, ErrRan
	}
	l.started = true
	l.done = make(chan struct{})
	ctx, l.stop = context.WithCancel(ctx)
	return ctx, nil
}

// end says that the run is over.
func (l *life) end() {
	l.stop()
	close(l.done)
}

// close ends a run that is going on, and otherwise releases.
func (l *life) close(release func() error) error {
	l.mu.Lock()
	running := l.done
	l.started = true
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	if running != nil {
		<-running
		return l.err
	}
	return l.release(release)
}

// release runs once, whoever comes first.
func (l *life) release(release func() error) error {
	l.once.Do(func() { l.err = release() })
	return l.err
}
