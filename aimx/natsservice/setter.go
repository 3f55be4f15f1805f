package natsservice

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/ingest"
)

const (
	// pendingValues and pendingValueBytes bound the values that have arrived and wait for
	// space in their records. NATS drops more.
	pendingValues     = 64 << 10
	pendingValueBytes = 64 << 20
	// unlogged bounds the values that were set and wait for the log.
	unlogged = 4096
)

// The answers to a value that was set, in a record that is logged and in another one.
const (
	answerLogged   = `{"logged":true}`
	answerUnlogged = `{"logged":false}`
)

// SetSubjects returns the subjects that values are published to, to set records.
func SetSubjects(database string) []string { return []string{rpc.SetPrefix(database) + ">"} }

// setter sets records with the values that are published. Two goroutines work one after
// another, so that the values of each record stay in order: that of the subscription sets
// them, and run waits for the log and answers.
type setter struct {
	service *Service
	grants  *access.Grants
	sub     *nats.Subscription
	set     chan published
	// dropped is what NATS had dropped at the last message, because too many waited.
	dropped uint64
}

// published is a value that was set or refused, and the subject for the answer, "" for none.
type published struct {
	reply   string
	pending ingest.Pending
	refused error
	// settled, if it is not nil, is closed instead.
	settled chan struct{}
}

// startSetter subscribes.
func (s *Service) startSetter(nc *nats.Conn) error {
	t := &setter{service: s, grants: access.NewGrants(nil, s.config.Writes), set: make(chan published, unlogged)}
	sub, err := nc.Subscribe(SetSubjects(s.config.Database)[0], t.receive)
	if err == nil {
		err = sub.SetPendingLimits(pendingValues, pendingValueBytes)
	}
	if err != nil {
		return err
	}
	t.sub = sub
	s.mu.Lock()
	s.setter = t
	s.mu.Unlock()
	s.setting.Go(t.run)
	return nil
}

// receive sets a record. NATS calls it for one message after another. While a record has
// no space, the others wait.
func (t *setter) receive(m *nats.Msg) {
	c := t.service.config
	t.countDropped(m.Sub)
	if m.Reply == "" && len(m.Data) == 0 {
		return // a client looks whether it may publish
	}
	if m.Reply != "" && !answerable(m.Reply) {
		c.Logger.Warn("natsservice: a value wants its answer at a subject that is not one of answers; it is ignored", "subject", m.Subject, "reply", m.Reply)
		return
	}
	p := published{reply: m.Reply}
	of, err := rpc.Parse(strings.TrimPrefix(m.Subject, rpc.SetPrefix(c.Database)))
	switch name, exact := of.Exact(); {
	case err != nil:
		p.refused = c.Ingest.Refuse(ingest.Unknown, m.Subject, fmt.Sprintf("the subject %s: %v", m.Subject, err))
	case !exact:
		p.refused = c.Ingest.Refuse(ingest.Unknown, m.Subject, fmt.Sprintf("the subject %s: it names the key of one record, without wildcards", m.Subject))
	default:
		p.pending, p.refused = c.Ingest.SetLogged(t.service.calls, t.grants, name, m.Data)
	}
	select {
	case t.set <- p:
	case <-t.service.calls.Done():
		t.settle(p)
	}
}

// countDropped counts what NATS has dropped since the last message.
func (t *setter) countDropped(sub *nats.Subscription) {
	dropped, err := sub.Dropped()
	if err != nil || uint64(dropped) == t.dropped { // the subscription has ended
		return
	}
	if t.dropped == 0 {
		t.service.config.Logger.Warn("natsservice: values come faster than the log takes them, and NATS has dropped some; further ones are only counted", "dropped", dropped)
	}
	t.service.config.Ingest.Drop(uint64(dropped) - t.dropped)
	t.dropped = uint64(dropped)
}

// run waits for the log and answers, until the calls of the service end. It answers what
// is set by then.
func (t *setter) run() {
	for {
		select {
		case p := <-t.set:
			t.settle(p)
		case <-t.service.calls.Done():
			t.settleAll()
			return
		}
	}
}

func (t *setter) settleAll() {
	for {
		select {
		case p := <-t.set:
			t.settle(p)
		default:
			return
		}
	}
}

// settled returns when everything that was received before is answered.
func (t *setter) settled(ctx context.Context) {
	p := published{settled: make(chan struct{})}
	select {
	case t.set <- p:
	case <-ctx.Done():
		return
	}
	select {
	case <-p.settled:
	case <-ctx.Done():
	}
}

func (t *setter) settle(p published) {
	if p.settled != nil {
		close(p.settled)
		return
	}
	err := p.refused
	if err == nil {
		err = p.pending.Wait(t.service.calls)
	}
	if err != nil {
		t.service.config.Logger.Debug("natsservice: a value was refused", "error", err)
	}
	if p.reply == "" {
		return
	}
	answer := &nats.Msg{Subject: p.reply, Data: []byte(answerUnlogged)}
	if p.pending.Logged() {
		answer.Data = []byte(answerLogged)
	}
	if err != nil {
		wrong := failureOf(err)
		answer.Header, answer.Data = wrong.headers(), wrong.body()
	}
	if err := t.service.nc.PublishMsg(answer); err != nil {
		t.service.config.Logger.Debug("natsservice: a value could not be acknowledged", "error", err)
	}
}

// failureOf returns an error of package ingest as the service answers it.
func failureOf(err error) *failure {
	var refused *ingest.Refusal
	if !errors.As(err, &refused) {
		return failed(aimx.CodeInternal, "%v", err)
	}
	code := aimx.CodeInternal
	if refused.Cause.Forbids() {
		code = aimx.CodeDenied
	}
	f := failed(code, "%s", refused.Reason)
	f.Path = refused.Path
	return f
}
