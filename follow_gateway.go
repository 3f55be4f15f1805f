package aimdb

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/follow"
)

// followForGateway answers clients of the gateway. Unlike Follow, it falls back to the
// history by itself.
func (db *DB) followForGateway(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
	return func(yield func(gateway.FollowEvent, error) bool) {
		if _, err := db.checkQuery(q.Pattern.String()); err != nil {
			yield(gateway.FollowEvent{}, err)
			return
		}
		asked := follow.Query{Pattern: q.Pattern, From: q.From, After: q.After, Includes: q.Includes, Accept: accepting[json.RawMessage](db, new(json.RawMessage))}
		source := db.source()
		source.Tail = db.tail
		for step, err := range source.Resume(ctx, asked) {
			if err != nil {
				yield(gateway.FollowEvent{}, db.failed(err, "follow %q", q.Pattern))
				return
			}
			event := gateway.FollowEvent{
				CaughtUp: step.CaughtUp, At: step.At.Place(),
				Record: step.Row.Record, Time: step.Event.Time(), Value: step.Row.Value, Lost: step.Lost, Loss: step.Loss,
			}
			if b := step.Begin; b != nil {
				event.Begin = &gateway.FollowBegin{Base: b.Base, Reason: b.Reason, From: b.From}
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// source is what this database follows. Its rows of the history have their present shape.
func (db *DB) source() follow.Source {
	if db.config.Backend == nil {
		return follow.Source{Log: db.bus}
	}
	return follow.Source{Log: db.bus, History: db.history()}
}

// accepting returns a function that brings rows to their present shape and decodes them
// into a value. It counts those for which it cannot.
func accepting[T any](db *DB, to *T) func(*history.Row) bool {
	up := db.newRowUpgrade()
	return func(row *history.Row) bool {
		if row.Err == nil {
			up.do(row)
		}
		if row.Err != nil {
			return false // it is counted
		}
		var value T
		if err := unmarshal(row.Value, &value); err != nil {
			db.undecoded.add(db.config.Logger, *row, err)
			return false
		}
		*to = value
		return true
	}
}

// Subscribe is a subscription of AimX with from, for a way out of the caller. The error that
// ends it is a [*aimx.Refusal]. It needs Run, like a client. It keeps no values for a caller
// that is slow, and an idle one costs little, since all read the end of the log together.
func (db *DB) Subscribe(ctx context.Context, sub gateway.Sub) iter.Seq2[gateway.FollowEvent, error] {
	return db.gateway.Follow(ctx, sub)
}

// CheckHost guards a handler of the caller as the web server's are: through a listener on
// loopback, only requests for loopback and for Config.Origins are answered.
func (db *DB) CheckHost(next http.Handler) http.Handler { return db.gateway.CheckHost(next) }

// Origins returns Config.Origins.
func (db *DB) Origins() []string { return slices.Clone(db.config.Origins) }
