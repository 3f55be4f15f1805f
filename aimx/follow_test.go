package aimx_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
)

// frame is what a script sees of a frame of the client.
type frame struct {
	Kind   string          `json:"t"`
	ID     uint64          `json:"id"`
	Method string          `json:"method"`
	From   json.RawMessage `json:"from"`
}

// scripted is a server that answers hello and pings, and every other frame as a script
// says.
type scripted struct {
	t        *testing.T
	listener net.Listener
	// answer returns the frames that answer one. If the connection is cut after a sub, both
	// wait for the ping that the client sends after it.
	answer func(f frame) (lines []string, cut bool)
	// welcome is the answer to hello.
	welcome string
}

func script(t *testing.T, answer func(frame) ([]string, bool)) string {
	t.Helper()
	return startScript(t, &scripted{answer: answer, welcome: `{"version":"3.0","server":"s","permissions":[],"writable_records":[]}`})
}

// helloScript only answers hello.
func helloScript(t *testing.T, welcome string) string {
	t.Helper()
	return startScript(t, &scripted{answer: func(frame) ([]string, bool) { return nil, true }, welcome: welcome})
}

func startScript(t *testing.T, s *scripted) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s.t, s.listener = t, l
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for s.serve() {
		}
	}()
	t.Cleanup(func() {
		closing(t, l)
		<-ended
	})
	return path
}

// serve serves one connection. It returns false when the listener is closed.
func (s *scripted) serve() bool {
	conn, err := s.listener.Accept()
	if err != nil {
		return false
	}
	defer conn.Close()
	var held []string
	holding := false
	for in := bufio.NewScanner(conn); in.Scan(); {
		var f frame
		if err := json.Unmarshal(in.Bytes(), &f); err != nil {
			s.t.Error(err)
			return true
		}
		var lines []string
		cut := false
		switch {
		case f.Kind == "ping":
			lines, cut = append(held, `{"t":"pong"}`), holding
		case f.Method == "hello":
			lines = []string{fmt.Sprintf(`{"t":"reply","id":%d,"ok":%s}`, f.ID, s.welcome)}
		default:
			lines, cut = s.answer(f)
			if cut && f.Kind == "sub" {
				held, holding = lines, true
				continue
			}
		}
		if _, err := conn.Write([]byte(strings.Join(append(lines, ""), "\n"))); err != nil || cut {
			return true
		}
	}
	return true
}

func dial(t *testing.T, path string) *aimx.Client {
	t.Helper()
	c, err := aimx.Dial(soon(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, c) })
	return c
}

// values returns a subscription with the numbers from first to last.
func values(id uint64, first, last int) []string {
	lines := []string{
		fmt.Sprintf(`{"t":"subscribed","sub":"%d","follows":true}`, id),
		fmt.Sprintf(`{"t":"begin","sub":"%d","base":"B","at":".%d"}`, id, first-1),
	}
	for n := first; n <= last; n++ {
		lines = append(lines, fmt.Sprintf(`{"t":"event","seq":%d,"topic":"a","sub":"%d","time":7,"at":".%d","data":%d}`, n-first+1, id, n, n))
	}
	return lines
}

// place returns the number that a position of values says.
func place(t *testing.T, from json.RawMessage) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(string(from), `"B.%d"`, &n); err != nil {
		t.Errorf("resumed at %s: %v", from, err)
	}
	return n
}

// A caller that is slow loses nothing: the queue is bounded, and the rest is asked for again.
func TestASlowFollowerAsksAgain(t *testing.T) {
	const last = 6_000 // more than the queue holds
	full := make(chan struct{})
	var starts []int
	c := dial(t, script(t, func(f frame) ([]string, bool) {
		switch {
		case f.Kind == "unsub" && len(starts) == 1:
			close(full)
		case f.Kind == "sub" && len(starts) == 0:
			starts = append(starts, 0)
			return values(f.ID, 1, last), false
		case f.Kind == "sub":
			n := place(t, f.From)
			starts = append(starts, n)
			return values(f.ID, n+1, min(last, n+1000)), false
		}
		return nil, false
	}))
	want := 1
	for e, err := range aimx.Follow[int](soon(t), c, "a", aimx.FromTime(0)) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Begin != nil {
			continue
		}
		if want == 1 {
			<-full
		}
		if e.Value != want || e.Lost != 0 {
			t.Fatalf("got %+v, want %d", e, want)
		}
		if want++; want > 5000 {
			break
		}
	}
	if len(starts) != 2 || starts[1] < 1000 || starts[1] >= last {
		t.Errorf("it was asked from %v", starts)
	}
}

// After a cut the client connects again and continues after the last event.
func TestFollowConnectsAgain(t *testing.T) {
	cuts := 0
	c := dial(t, script(t, func(f frame) ([]string, bool) {
		if f.Kind != "sub" {
			return nil, false
		}
		n := 0
		if cuts > 0 {
			n = place(t, f.From)
		} else if string(f.From) != "5" {
			t.Errorf("it starts from %s", f.From)
		}
		cuts++
		return values(f.ID, n+1, n+10), true
	}))
	var got, noticed int
	for e, err := range aimx.Follow[int](soon(t), c, "a", aimx.FromTime(5)) {
		var lost *aimx.ConnectionError
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Cut != nil:
			noticed++
			if !errors.As(e.Cut, &lost) || e.Position() != fmt.Sprintf("B.%d", got) {
				t.Errorf("cut: %v at %s", e.Cut, e.Position())
			}
		case e.Begin == nil:
			if got++; e.Value != got {
				t.Fatalf("got %d, want %d", e.Value, got)
			}
		}
		if got == 30 {
			break
		}
	}
	if noticed != 2 {
		t.Errorf("%d cuts, want 2", noticed)
	}
}

// What a follow says besides values, and how it ends.
func TestFollowEvents(t *testing.T) {
	c := dial(t, script(t, func(f frame) ([]string, bool) {
		if f.Kind != "sub" {
			return nil, false
		}
		sub := fmt.Sprintf(`"sub":"%d"`, f.ID)
		return []string{
			`{"t":"subscribed","follows":true,` + sub + `}`,
			`{"t":"begin","base":"B","at":".0","time":3,"msg":"gone",` + sub + `}`,
			`{"t":"event","seq":1,"topic":"a","time":7,"at":".1","data":1,` + sub + `}`,
			`{"t":"caught_up","at":".2",` + sub + `}`,
			`{"t":"event","seq":2,"topic":"a","time":8,"at":".3","data":"no number",` + sub + `}`,
			`{"t":"event","seq":6,"topic":"a","time":9,"at":".4","loss":{"cause":"log_discarded","count":2},"data":2,` + sub + `}`,
			fmt.Sprintf(`{"t":"reply","id":%d,"err":"internal","msg":"the end"}`, f.ID),
		}, false
	}))
	var got []string
	for e, err := range aimx.Follow[int](soon(t), c, "#", aimx.FromTime(0)) {
		var wrong *aimx.DecodeError
		var refused *aimx.Refusal
		switch {
		case errors.As(err, &wrong):
			got = append(got, "undecodable "+string(wrong.Value))
		case errors.As(err, &refused):
			got = append(got, refused.Reason)
		case err != nil:
			t.Fatal(err)
		case e.Begin != nil:
			got = append(got, fmt.Sprintf("begin %+v", *e.Begin))
		case e.CaughtUp:
			got = append(got, "caught up "+e.Position())
		default:
			got = append(got, fmt.Sprintf("%s=%d at %d lost %d", e.Record, e.Value, e.Time, e.Lost))
			if (e.Loss != nil) != (e.Value == 2) || e.Loss != nil && e.Loss.Count != 2 {
				t.Errorf("loss %+v", e.Loss)
			}
		}
	}
	want := []string{"begin {Reason:gone From:3}", "a=1 at 7 lost 0", "caught up B.2", `undecodable "no number"`, "a=2 at 9 lost 3", "the end"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A server of upstream ignores from. It is not taken for one that resumes.
func TestFollowNeedsAServerThatFollows(t *testing.T) {
	c := dial(t, script(t, func(f frame) ([]string, bool) {
		return []string{fmt.Sprintf(`{"t":"subscribed","sub":"%d"}`, f.ID)}, false
	}))
	for _, err := range c.Follow(soon(t), "#", aimx.FromTime(0)) {
		var refused *aimx.Refusal
		if !errors.As(err, &refused) || refused.Code != aimx.CodeNotFound {
			t.Errorf("got %v", err)
		}
	}
	for _, start := range []aimx.Start{{}, aimx.FromTime(0)} {
		for _, err := range c.Follow(soon(t), `"`, start) {
			if err == nil {
				t.Error("a pattern that cannot be sent was followed")
			}
		}
	}
}

// Close ends a follow, also one that waits to connect again. So does its context.
func TestFollowEnds(t *testing.T) {
	c := dial(t, script(t, func(f frame) ([]string, bool) {
		return values(f.ID, 1, 1), f.Kind == "sub"
	}))
	ctx, cancel := context.WithCancel(soon(t))
	for e, err := range c.Follow(ctx, "a", aimx.FromTime(0)) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Cut != nil {
			cancel()
		}
	}
	cancel()
	var last error
	for e, err := range c.Follow(soon(t), "a", aimx.FromTime(0)) {
		if last = err; e.Begin != nil {
			closing(t, c)
		}
	}
	if !errors.Is(last, aimx.ErrClientClosed) {
		t.Errorf("after Close: %v", last)
	}
}
