package aimx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// DiscoverTimeout bounds Discover as a whole.
	DiscoverTimeout = 3 * time.Second
	// probeTimeout bounds one greeting, as in upstream, and probes is how many
	// sockets are greeted at once.
	probeTimeout = 500 * time.Millisecond
	probes       = 16
)

// State is what Discover found out about a socket.
type State string

// The states of a socket.
const (
	// Answers: an AimX server has answered.
	Answers State = "ok"
	// Dead: nobody listens there. A process that was killed left the socket.
	Dead State = "dead"
	// Silent: a process listens there and did not answer in time.
	Silent State = "silent"
	// Foreign: another user owns the socket, and it was not asked.
	Foreign State = "other user"
	// Unusable: what answers there does not speak AimX 3.0, or the socket cannot be
	// reached.
	Unusable State = "unusable"
)

// Instance is a socket that Discover found.
type Instance struct {
	Endpoint string
	State    State
	// Owner is the user ID of the owner of a Foreign socket.
	Owner string
	// Info and Took, the time that connecting and the greeting took, are set if the
	// state is Answers.
	Info Info
	Took time.Duration
	// Err is why the state is not Answers; nil for a Foreign socket.
	Err error
}

// DiscoverDirs are the directories in which upstream looks for sockets.
func DiscoverDirs() []string { return []string{"/tmp", "/var/run/aimdb"} }

// Discover looks for sockets whose names end in .sock in directories, those of
// DiscoverDirs if none is given, and greets them. It returns all of them, by directory
// and name. A directory that is absent has no sockets. A socket of another user is not
// greeted: anybody can make one in /tmp. Symbolic links are left out for that reason.
// The error is about directories that cannot be read; the result is valid in spite of it.
func Discover(ctx context.Context, dirs ...string) ([]Instance, error) {
	if len(dirs) == 0 {
		dirs = DiscoverDirs()
	}
	ctx, cancel := context.WithTimeout(ctx, DiscoverTimeout)
	defer cancel()
	var found []Instance
	var errs []error
	for _, dir := range dirs {
		some, err := socketsIn(dir)
		found, errs = append(found, some...), append(errs, err)
	}
	turn := make(chan struct{}, probes)
	var work sync.WaitGroup
	for i := range found {
		if found[i].State == Foreign {
			continue
		}
		work.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			found[i].probe(ctx)
		})
	}
	work.Wait()
	return found, errors.Join(errs...)
}

// socketsIn returns the sockets in a directory.
func socketsIn(dir string) ([]Instance, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []Instance
	for _, entry := range entries {
		if entry.Type() != fs.ModeSocket || !strings.HasSuffix(entry.Name(), ".sock") {
			continue
		}
		info, gone := entry.Info()
		if gone != nil {
			continue // it was removed meanwhile
		}
		at := Instance{Endpoint: Endpoint{Path: filepath.Join(dir, entry.Name())}.String()}
		if owner, other := otherOwner(info); other {
			at.State, at.Owner = Foreign, owner
		}
		found = append(found, at)
	}
	if err != nil {
		err = fmt.Errorf("look for databases: %w", err)
	}
	return found, err
}

// probe greets the server at the socket.
func (i *Instance) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	begun := time.Now()
	client, err := Dial(ctx, i.Endpoint)
	if err == nil {
		i.Info, i.Took = client.greeting, time.Since(begun)
		err = client.Close()
	}
	i.State, i.Err = stateOf(err), err
}

func stateOf(err error) State {
	switch {
	case err == nil:
		return Answers
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return Dead
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.EAGAIN):
		return Silent
	}
	return Unusable
}
