package integration

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// rogue misbehaves over a connection until it fails or ctx ends. The connection is closed
// when ctx ends, which ends blocked calls.
type rogue func(ctx context.Context, c crowdConn, random *rand.Rand)

// rogues are the kinds of misbehaviour. A rogue with a wrong token is one that never gets a
// connection.
func rogues() map[string]rogue {
	return map[string]rogue{
		"half a frame": func(ctx context.Context, c crowdConn, _ *rand.Rand) {
			_ = c.sendHalf([]byte(`{"t":"req","id":1,"method":"record.list","params":null}`))
			<-ctx.Done()
		},
		"garbage": func(ctx context.Context, c crowdConn, random *rand.Rand) {
			junk := make([]byte, 300)
			repeat(ctx, 5*time.Millisecond, func() error {
				for i := range junk {
					junk[i] = byte(random.Uint32())
				}
				return c.sendBytes(junk)
			})
		},
		"never reads": func(ctx context.Context, c crowdConn, _ *rand.Rand) {
			_ = c.send([]byte(`{"t":"sub","id":1,"topic":"#"}`))
			<-ctx.Done()
		},
		"reads slowly": func(ctx context.Context, c crowdConn, _ *rand.Rand) {
			_ = c.send([]byte(`{"t":"sub","id":1,"topic":"#"}`))
			some := make([]byte, 512)
			repeat(ctx, 5*time.Millisecond, func() error { return c.readSome(some) })
		},
		"floods": func(ctx context.Context, c crowdConn, random *rand.Rand) { // and reads no answer
			methods := []string{"record.list", "record.get", "record.query", "graph.nodes", "hello", "none"}
			for id := 0; ctx.Err() == nil; id++ {
				if c.send(fmt.Appendf(nil, `{"t":"req","id":%d,"method":%q,"params":{"name":"flow.a","version":"3.0"}}`, id, methods[random.IntN(len(methods))])) != nil {
					return
				}
			}
		},
		"huge frames": func(ctx context.Context, c crowdConn, random *rand.Rand) {
			frame := append(append([]byte(`{"t":"write","topic":"flow.a","payload":"`), bytes.Repeat([]byte{'x'}, 2<<20)...), `"}`...)
			repeat(ctx, 200*time.Millisecond, func() error {
				length := len(frame) - 2 - random.IntN(3<<19) // half of them are too long
				return c.send(append(frame[:length:length], `"}`...))
			})
		},
		"wrong token": func(context.Context, crowdConn, *rand.Rand) {}, // over a unix socket, connections that end at once
		"subscribes and unsubscribes": func(ctx context.Context, c crowdConn, random *rand.Rand) {
			go discard(c)
			repeat(ctx, time.Millisecond, func() error {
				id := random.IntN(50)
				if err := c.send(fmt.Appendf(nil, `{"t":"sub","id":%d,"topic":"flow.#"}`, id)); err != nil {
					return err
				}
				return c.send(fmt.Appendf(nil, `{"t":"unsub","sub":"%d"}`, random.IntN(50)))
			})
		},
		"uses ids again": func(ctx context.Context, c crowdConn, random *rand.Rand) {
			go discard(c)
			topics := []string{"flow.#", "flow.a", "big", "*", "nothing"}
			repeat(ctx, time.Millisecond, func() error {
				if err := c.send(fmt.Appendf(nil, `{"t":"sub","id":1,"topic":%q}`, topics[random.IntN(len(topics))])); err != nil {
					return err
				}
				return c.send([]byte(`{"t":"req","id":1,"method":"record.get","params":{"name":"flow.a"}}`))
			})
		},
	}
}

// repeat calls a function until it fails or ctx ends, with a pause between two calls.
func repeat(ctx context.Context, pause time.Duration, do func() error) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for ctx.Err() == nil && do() == nil {
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// discard reads until the connection is closed.
func discard(c crowdConn) {
	for {
		if _, err := c.receive(); err != nil {
			return
		}
	}
}

// misbehave connects again whenever its connection has ended, until ctx ends.
func (h *crowdHub) misbehave(ctx context.Context, transport, kind string, seed uint64) {
	token := crowdToken
	if kind == "wrong token" {
		token = "wrong"
	}
	be, random := rogues()[kind], rand.New(rand.NewPCG(seed, 1))
	repeat(ctx, 20*time.Millisecond, func() error {
		c, err := h.dial(ctx, transport, token)
		if err != nil {
			return nil // it may be refused
		}
		closing := context.AfterFunc(ctx, c.close)
		be(ctx, c, random)
		if kind == "huge frames" && ctx.Err() == nil {
			h.once.Do(func() { close(h.cut) })
		}
		closing()
		c.close()
		return nil
	})
}
