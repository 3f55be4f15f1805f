package aimx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// Info returns the description of the server. An upstream server on a WebSocket
// has no hello; only Version is set then.
func (c *Client) Info(ctx context.Context) (Info, error) {
	hello := wire.HelloParams{Version: Version, Client: "aimdb-go", Token: c.dialed.token}
	if c.endpoint.Address != "" {
		hello.FrameBytes = clientFrameBytes
	}
	raw, err := c.call(ctx, wire.MethodHello, "", hello)
	var refusal *Refusal
	if c.endpoint.URL != "" && errors.As(err, &refusal) && refusal.Code == CodeNotFound {
		return Info{Version: Version}, nil
	}
	if err != nil {
		return Info{}, err
	}
	var info Info
	if err := c.decode(wire.MethodHello, raw, &info); err != nil {
		return Info{}, err
	}
	if major, _, _ := strings.Cut(info.Version, "."); major != "3" {
		return Info{}, &Refusal{Code: CodeVersionMismatch, Operation: wire.MethodHello, Endpoint: c.endpoint.String(), Reason: fmt.Sprintf("the server speaks AimX %q", info.Version)}
	}
	return info, nil
}

// List returns all records of the server, in the order of their registration.
func (c *Client) List(ctx context.Context) ([]RecordInfo, error) {
	return list[RecordInfo](ctx, c, wire.MethodRecordList)
}

// Get returns the current value of a record.
func (c *Client) Get(ctx context.Context, key string) (json.RawMessage, error) {
	return c.call(ctx, wire.MethodRecordGet, key, map[string]string{"name": key})
}

// Set sets a writable record and returns the value read back, or nil for a ring.
func (c *Client) Set(ctx context.Context, key string, value any) (json.RawMessage, error) {
	raw, err := c.call(ctx, wire.MethodRecordSet, key, map[string]any{"name": key, "value": value})
	if err != nil {
		return nil, err
	}
	var result wire.SetAnswer
	err = c.decode(wire.MethodRecordSet, raw, &result)
	return result.Value, err
}

// CheckSet asks whether Set would succeed, and sets nothing. It belongs to this project's
// extension: a server of upstream refuses it with CodeNotFound.
func (c *Client) CheckSet(ctx context.Context, key string, value any) error {
	_, err := c.call(ctx, wire.MethodRecordCheck, key, map[string]any{"name": key, "value": value})
	return err
}

// Write sets a writable record without waiting for the server. A refusal is not
// reported. Later calls see the effect.
func (c *Client) Write(ctx context.Context, key string, value any) error {
	payload := value
	if c.endpoint.URL == "" {
		payload = map[string]any{"value": value} // a WebSocket takes the bare value
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("write %s: the value cannot be encoded: %w", key, err)
	}
	if !wire.IsPlain(key) {
		return fmt.Errorf("write %q: a key cannot contain quotes, backslashes or control characters", key)
	}
	if err := c.send(ctx, func(w *wire.FrameWriter) []byte { return w.Write(key, raw) }); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// Drain returns the values of a record since the last drain over this connection,
// oldest first. It returns at most limit values, all if limit is negative. The first
// drain of a ring returns none, or what came after a Get over this connection.
func (c *Client) Drain(ctx context.Context, key string, limit int) ([]json.RawMessage, error) {
	raw, err := c.call(ctx, wire.MethodRecordDrain, key, map[string]any{"name": key, "limit": limit})
	if err != nil {
		return nil, err
	}
	var result wire.DrainAnswer
	err = c.decode(wire.MethodRecordDrain, raw, &result)
	return result.Values, err
}

// Query returns the newest limit stored rows of each record that matches a
// pattern, within a window of write times. The rows of all records are sorted by
// time, oldest first. Their ID is 0.
func (c *Client) Query(ctx context.Context, pattern string, limit int, window history.Window) ([]history.Row, error) {
	params := struct {
		Name  string `json:"name"`
		Limit int    `json:"limit"`
		Start *int64 `json:"start,omitempty"`
		End   *int64 `json:"end,omitempty"`
	}{pattern, limit, window.Start, window.End}
	if limit < 0 {
		return nil, fmt.Errorf("record.query %s: the limit %d is negative", pattern, limit)
	}
	raw, err := c.call(ctx, wire.MethodRecordQuery, pattern, params)
	if err != nil {
		return nil, err
	}
	var answer wire.QueryAnswer
	if err := c.decode(wire.MethodRecordQuery, raw, &answer); err != nil {
		return nil, err
	}
	rows := make([]history.Row, len(answer.Records))
	for i, r := range answer.Records {
		rows[i] = history.Row{Record: r.Topic, Time: r.Time, Value: r.Payload}
	}
	return rows, nil
}

// Ping returns after the server has handled all frames that were sent before.
func (c *Client) Ping(ctx context.Context) error {
	pong := make(chan wire.Frame, 1)
	_, err := c.exchange(ctx, pong, func(w *wire.FrameWriter) []byte {
		// Register the pong while no other frame can be sent, because pongs are
		// matched by order.
		c.mu.Lock()
		c.pongs = append(c.pongs, pong)
		c.mu.Unlock()
		return w.Bare(wire.KindPing)
	})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return nil
}

// decode decodes a result.
func (c *Client) decode(operation string, raw json.RawMessage, to any) error {
	if err := json.Unmarshal(raw, to); err != nil {
		return c.malformed(operation, err)
	}
	return nil
}

// malformed is the error of an answer that cannot be read.
func (c *Client) malformed(operation string, err error) error {
	return fmt.Errorf("%s at %s: the answer does not follow AimX %s: %w", operation, c.endpoint, Version, err)
}
