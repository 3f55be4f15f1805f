package integration

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// The leader of the log is killed under load, again and again.
func TestLeaderKilledUnderLoad(t *testing.T) {
	t.Parallel()
	c := natstest.StartCluster(t, natstest.Options{})
	dir := t.TempDir()
	p := admit(t, outside(dir, aimdb.Cluster{URLs: c.URLs(), Replicas: 3}))
	const n = 7000
	wait := p.sending(1, n)
	for i := range 2 {
		p.awaitStored(int64(3000 * (i + 1)))
		leader := c.Leader(stream)
		leader.Kill()
		c.Leader(stream) // another one
		leader.Restart()
		leader.AwaitJetStream()
	}
	wait()
	p.flush()
	p.stop()
	checkNumbers(t, dir, sent(n))
	nothingLost(t, dir)
}

// Two of three servers are gone: values wait, what the rings cannot hold is counted, and
// the health says why.
func TestNoQuorum(t *testing.T) {
	t.Parallel()
	c := natstest.StartCluster(t, natstest.Options{})
	dir := t.TempDir()
	o := outside(dir, aimdb.Cluster{URLs: c.URLs(), Replicas: 3}, lossy()...)
	o.options = append(o.options, aimdb.HTTP("127.0.0.1:0", nil))
	p := admit(t, o)
	p.give(1, 60)
	p.flush()
	c.Servers[0].Kill()
	c.Servers[1].Kill()
	p.give(61, 10_000)
	p.awaitState("")
	p.awaitHealth("degraded", "log: retrying")
	c.Servers[0].Restart()
	c.Servers[1].Restart()
	p.awaitHealth("ok", "")
	p.give(10_001, 10_001)
	p.flush()
	p.stop()
	if uncounted := account(t, dir, 10_001); uncounted > 0 {
		t.Errorf("%d values are missing that nobody counts", uncounted)
	}
	if len(ledger(t, openSQL(t, dir))) == 0 {
		t.Error("nothing was lost: the rings held 10,000 values?")
	}
}

// A database starts while the log has no leader. It waits until the servers have one.
func TestStartWithoutQuorum(t *testing.T) {
	t.Parallel()
	c := natstest.StartCluster(t, natstest.Options{})
	dir, heard := t.TempDir(), &said{}
	o := outside(dir, aimdb.Cluster{URLs: c.URLs(), Replicas: 3})
	visit(t, o, 1, 100)
	// The one that is left is not the leader, and cannot become it.
	leader := c.Leader(stream)
	other := c.Servers[(slices.Index(c.Servers, leader)+1)%3]
	leader.Kill()
	other.Kill()
	o.options = append(o.options, aimdb.Logger(slog.New(slog.NewTextHandler(heard, nil))))
	back := make(chan struct{})
	go func() {
		defer close(back)
		heard.await(t, "trying again", 1)
		leader.Restart()
		other.Restart()
	}()
	p := admit(t, o)
	<-back
	p.newestIs(100)
	p.send(101, 200)
	p.flush()
	p.stop()
	checkNumbers(t, dir, sent(200))
	nothingLost(t, dir)
}

// The permission to write is taken from the user of the program while it runs, and is
// given back.
func TestPermissionRevoked(t *testing.T) {
	t.Parallel()
	granted := accounts(`publish: ">"`)
	s := natstest.Start(t, natstest.Options{User: "program", Password: "p", Config: granted})
	dir := t.TempDir()
	o := outside(dir, aimdb.Cluster{URLs: []string{s.URL}, User: "program", Password: "p"}, lossy()...)
	o.options = append(o.options, aimdb.HTTP("127.0.0.1:0", nil))
	p := admit(t, o)
	p.give(1, 60)
	p.flush()
	s.Configure(accounts(`publish: { deny: "aimdb.kill.>" }`))
	s.Reload()
	p.giveUntil(61, func() bool { log, _ := p.states(); return strings.HasPrefix(log, "retrying: ") })
	p.awaitState("permissions violation")
	p.awaitHealth("degraded", "permissions violation")
	s.Configure(granted)
	s.Reload()
	p.awaitHealth("ok", "")
	last := p.given + 1
	p.give(last, last)
	p.flush()
	p.stop()
	if uncounted := account(t, dir, last); uncounted > 0 {
		t.Errorf("%d values are missing that nobody counts", uncounted)
	}
}

// accounts is a configuration in which the program has permissions.
func accounts(permissions string) string {
	return `accounts { A: { jetstream: enabled, users: [{user: program, password: p, permissions: { ` + permissions + `, subscribe: ">" } }] } }`
}

// giveUntil produces numbers until something has happened.
func (p *patient) giveUntil(first int, happened func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for p.given = first; !happened(); p.given++ {
		p.give(p.given, p.given)
		if time.Now().After(deadline) {
			p.t.Fatalf("it did not happen:\n%s", p.said)
		}
	}
	p.given--
}

// awaitHealth waits until /health has a status, for a reason.
func (p *patient) awaitHealth(status, reason string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*patience)
	defer cancel()
	for {
		got, text := p.health(ctx)
		if got == status && strings.Contains(text, reason) {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			p.t.Fatalf("the health is %s, want %s because of %q\n%s", text, status, reason, p.said)
		}
	}
}

func (p *patient) health(ctx context.Context) (status, text string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addresses().HTTP+"/health", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return "", err.Error()
	}
	all, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	status, _ = body["status"].(string)
	return status, string(all)
}
