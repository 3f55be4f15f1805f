package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/sinks/process"
)

const (
	// sinksFor is for how long the sinks are not asked again.
	sinksFor = 2 * time.Second
	// sinksTimeout bounds how long they are asked.
	sinksTimeout = 4 * time.Second
)

// sinkInfos answers sink.list for a database that runs elsewhere.
type sinkInfos struct {
	cmd    *cobra.Command
	server bus.Server
	log    *natsLog

	mu    sync.Mutex
	asked time.Time
	last  []aimx.SinkInfo
}

func newSinkInfos(cmd *cobra.Command, server bus.Server, log *natsLog) *sinkInfos {
	return &sinkInfos{cmd: cmd, server: server, log: log}
}

// list returns the sinks. If they cannot be asked it returns those from before.
func (s *sinkInfos) list() []aimx.SinkInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked) < sinksFor {
		return s.last
	}
	ctx, cancel := context.WithTimeout(s.cmd.Context(), sinksTimeout)
	defer cancel()
	all, _, err := listSinks(ctx, s.cmd, s.server, s.log)
	s.asked = time.Now()
	if err != nil {
		logger(s.cmd).Warn("the sinks cannot be listed", "error", err)
		return s.last
	}
	s.last = nil
	for _, one := range all {
		info := aimx.SinkInfo{Name: one.Sink, State: one.State, Sequence: one.Checkpoint, Lost: one.Lost, Refused: one.DeadLetters, LastCommit: one.LastCommit}
		if one.Error != "" {
			info.State = one.Error
		}
		s.last = append(s.last, info)
	}
	return s.last
}

// listSinks lists the sinks of a database, and says whether it has no log.
func listSinks(ctx context.Context, cmd *cobra.Command, server bus.Server, log *natsLog) (all []process.State, absent bool, err error) {
	b, err := bus.OpenExisting(ctx, server, log.log(cmd))
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if b.Absent() {
		all, err = process.List(ctx, server, log.database, nil)
		return all, true, err
	}
	all, err = process.List(ctx, server, log.database, b)
	return all, false, err
}
