package aimx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// ErrNotLogged is what LoggedSet.Wait returns for a value that was set and is logged
// nowhere: the record is not logged, or the server cannot say so.
var ErrNotLogged = errors.New("the value was set, but is not known to be logged")

// LoggedSet is a set whose answer comes when the log has the value.
type LoggedSet struct {
	client *Client
	key    string
	id     uint64
	answer <-chan wire.Frame
}

// BeginSet sends a set, and does not wait for the answer: LoggedSet.Wait does, and must be
// called. Sets are done and answered in the order in which they are sent, so many can be
// under way; a server keeps those that wait for its log, so bound their number.
//
// It belongs to this project's extension: a server that does not know it sets the value,
// and Wait returns ErrNotLogged.
func (c *Client) BeginSet(ctx context.Context, key string, value json.RawMessage) (*LoggedSet, error) {
	params, err := json.Marshal(map[string]any{"name": key, "value": value, "logged": true})
	if err != nil {
		return nil, fmt.Errorf("%s %s: the value cannot be encoded: %w", wire.MethodRecordSet, key, err)
	}
	id, answer := c.expect()
	if err := c.send(ctx, func(w *wire.FrameWriter) []byte { return w.Request(id, wire.MethodRecordSet, params) }); err != nil {
		c.forget(id)
		return nil, fmt.Errorf("%s %s: %w", wire.MethodRecordSet, key, err)
	}
	return &LoggedSet{c, key, id, answer}, nil
}

// Wait returns when the log has the value. Its error is a [*Refusal] for a value that was
// refused, ErrNotLogged for one that was set only, or that of the connection or of ctx:
// then nobody knows whether the value was set.
func (s *LoggedSet) Wait(ctx context.Context) error {
	defer s.client.forget(s.id)
	operation := wire.MethodRecordSet + " " + s.key
	f, err := s.client.await(ctx, s.answer)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", operation, err)
	case f.Result == nil:
		return s.client.refusalOf(f, operation)
	}
	var result wire.SetAnswer
	if err := s.client.decode(wire.MethodRecordSet, f.Result, &result); err != nil {
		return err
	}
	switch {
	case result.Logged == nil:
		return fmt.Errorf("%s: %w: the server is older than that answer", operation, ErrNotLogged)
	case !*result.Logged:
		return fmt.Errorf("%s: %w: the record is not persisted", operation, ErrNotLogged)
	}
	return nil
}
