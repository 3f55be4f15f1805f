package aimx

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/history"
)

// DecodeError says that a value is not one of the type that was asked for.
type DecodeError struct {
	// Record is the key of the record, Value the value as JSON.
	Record string
	Value  json.RawMessage
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("the value %.100s of record %s cannot be decoded: %v", e.Value, e.Record, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Row is one stored value.
type Row[T any] struct {
	// Record is the key of the record, Time the time of the write in Unix milliseconds.
	Record string
	Time   int64
	Value  T
}

// Get returns the current value of a record as a T.
func Get[T any](ctx context.Context, c *Client, key string) (value T, err error) {
	raw, err := c.Get(ctx, key)
	if err != nil {
		return value, err
	}
	return decodeAs[T](key, raw)
}

// Query yields the newest limit stored values of each record that matches a pattern,
// within a window of write times, oldest first. A [*DecodeError] comes in the place of
// a value and does not end the sequence; any other error does.
func Query[T any](ctx context.Context, c *Client, pattern string, limit int, window history.Window) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		rows, err := c.Query(ctx, pattern, limit, window)
		if err != nil {
			yield(Row[T]{}, err)
			return
		}
		for _, row := range rows {
			value, err := decodeAs[T](row.Record, row.Value)
			if !yield(Row[T]{row.Record, row.Time, value}, err) {
				return
			}
		}
	}
}

// Subscribe yields the values of the records that match a key or a pattern: the current
// ones, if the server sends them, and then each update. Lost counts the values that were
// dropped just before one, because the caller or the connection was slow. Time is 0. The
// sequence ends without an error when ctx does. A [*DecodeError] comes in the place of a
// value and does not end it; any other error does. Use [Follow] to lose nothing.
func Subscribe[T any](ctx context.Context, c *Client, topic string) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		w, err := c.Watch(ctx, topic)
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		defer w.Close()
		for u, err := range w.All(ctx) {
			if ctx.Err() != nil {
				return
			}
			event := Event[T]{Record: u.Topic, Lost: u.Skipped}
			if err == nil {
				event.Value, err = decodeAs[T](u.Topic, u.Data)
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

// Follow is [Client.Follow] with values of a type. A [*DecodeError] comes in the place of
// a value and does not end the sequence; any other error does.
func Follow[T any](ctx context.Context, c *Client, pattern string, start Start) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		for raw, err := range c.Follow(ctx, pattern, start) {
			event := Event[T]{
				Record: raw.Record, Time: raw.Time, Lost: raw.Lost, Loss: raw.Loss,
				Begin: raw.Begin, CaughtUp: raw.CaughtUp, Cut: raw.Cut, position: raw.position,
			}
			if err == nil && raw.Value != nil {
				event.Value, err = decodeAs[T](raw.Record, raw.Value)
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

func decodeAs[T any](record string, raw json.RawMessage) (value T, err error) {
	if err := json.Unmarshal(raw, &value); err != nil {
		return value, &DecodeError{Record: record, Value: raw, Err: err}
	}
	return value, nil
}
