package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
)

// event is an event of a stream.
type event struct{ name, id, data string }

// reader reads a stream.
type reader struct {
	t      *testing.T
	lines  *bufio.Scanner
	close  func()
	status int
}

// stream opens a stream.
func (f *fixture) stream(t *testing.T, query string, headers ...string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	transport := &http.Transport{}
	response, err := (&http.Client{Transport: transport}).Do(f.request(t, "GET", "/api/stream?"+query, nil, headers...).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, lines: bufio.NewScanner(response.Body), status: response.StatusCode, close: func() {
		cancel()
		_ = response.Body.Close() // it is cut off
		transport.CloseIdleConnections()
	}}
	t.Cleanup(r.close)
	return r
}

// next returns the next event, false at the end. A comment has the name ":".
func (r *reader) next() (e event, ok bool) {
	for r.lines.Scan() {
		name, value, _ := strings.Cut(r.lines.Text(), ": ")
		switch {
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		case name == "data":
			e.data = value
		case name == ":":
			return event{name: ":"}, true
		case name == "" && e != (event{}):
			return e, true
		}
	}
	return e, false
}

// await returns the next event with a name, "" for a value.
func (r *reader) await(name string) event {
	r.t.Helper()
	for {
		e, ok := r.next()
		if !ok {
			r.t.Fatalf("the stream ends before %q: %v", name, r.lines.Err())
		}
		if e.name == name {
			return e
		}
	}
}

// value returns the number of the next value, after checking the event.
func (r *reader) value() (n int, id string) {
	r.t.Helper()
	e := r.await("")
	var m struct {
		Record string
		Time   int64
		Value  reading
		Lost   uint64
	}
	if err := json.Unmarshal([]byte(e.data), &m); err != nil || m.Time == 0 || m.Lost != 0 {
		r.t.Fatalf("%+v, %v", e, err)
	}
	_, schema := described()
	var v any
	if err := json.Unmarshal([]byte(e.data), &v); err != nil || schema("message").Validate(v) != nil {
		r.t.Errorf("the description does not have %s", e.data)
	}
	return m.Value.N, e.id
}

func (f *fixture) send(t *testing.T, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := f.made.Send(t.Context(), reading{N: n}); err != nil {
			t.Fatal(err)
		}
	}
}

// A stream that is cut anywhere, and continued in many parts, also over a restart of the
// database, has each value once.
func TestStreamResumes(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	f := open(t, dir, nil)
	f.send(t, 1, 300)
	f.flush(t)
	want, id := 1, ""
	read := func(until int) {
		t.Helper()
		query, headers := "pattern=made&after=0", []string(nil)
		if id != "" {
			headers = []string{"Last-Event-ID: " + id}
		}
		r := f.stream(t, query, headers...)
		for ; want <= until; want++ {
			n, at := r.value()
			if n != want {
				t.Fatalf("got %d, want %d", n, want)
			}
			id = at
		}
		r.close()
	}
	for _, until := range []int{1, 100, 300} {
		read(until)
	}
	f.send(t, 301, 400)
	read(350)
	f.stop()
	f = open(t, dir, nil)
	f.send(t, 401, 500)
	read(500)
	f.send(t, 501, 501)
	read(501)
	f.stop()
}

// Without after come values from now on, of the records that the client may see.
func TestStreamFromNowOn(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	f.send(t, 1, 5)
	f.flush(t)
	r := f.stream(t, "")
	r.await("caught_up")
	f.private.Produce(reading{N: 99})
	f.send(t, 6, 6)
	if n, _ := r.value(); n != 6 {
		t.Errorf("got %d", n)
	}
}

// Followers that begin at different places share the end of the log. Each gets each value
// once, also one that stops reading until its next values are no longer kept for it.
func TestManyStreams(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.WriteTimeout(patience)})
	const count, readers = 6000, 6 // more values than are kept for them
	f.send(t, 1, 500)
	f.flush(t)
	done := make(chan error, readers)
	slow := make(chan struct{})
	for i := range readers {
		query := "pattern=made&after=0"
		if i%3 == 1 {
			query = "pattern=%23&after=0"
		}
		r := f.stream(t, query)
		go func() {
			defer r.close()
			for want := 1; want <= count; want++ {
				if want == 100+i*50 && i%2 == 0 {
					<-slow
				}
				e, ok := r.next()
				for ok && e.name != "" {
					e, ok = r.next()
				}
				if !ok || !strings.Contains(e.data, fmt.Sprintf(`"value":{"n":%d}`, want)) {
					done <- fmt.Errorf("reader %d: got %v %s, want %d", i, ok, e.data, want)
					return
				}
			}
			done <- nil
		}()
	}
	f.send(t, 501, count)
	f.flush(t)
	close(slow)
	for range readers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	f.stop()
}

func TestStreamBeatsAndIsBounded(t *testing.T) {
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.Streams(1), httpapi.Heartbeat(20 * time.Millisecond), httpapi.Retry(time.Minute)})
	r := f.stream(t, "pattern=made")
	r.await(":")
	r.await(":")
	f.ask(t, "GET", "/api/stream", "").expect(t, 503, "no more are served")
	r.close()
	for { // the server notices by itself
		if again := f.stream(t, "pattern=made"); again.status == 200 {
			break
		}
	}
}

// The end of the database, and of what a token grants, ends a stream.
func TestStreamEnds(t *testing.T) {
	token := aimdb.Token{Token: "t", Read: []string{"#"}}
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.Heartbeat(20 * time.Millisecond)}, aimdb.Tokens(token))
	r := f.stream(t, "token=t")
	r.await("caught_up")
	token.Read = []string{"n.#"}
	if err := f.db.Access().Replace([]aimdb.Token{token}, nil); err != nil {
		t.Fatal(err)
	}
	for ok := true; ok; _, ok = r.next() {
	}
	r = f.stream(t, "token=t&pattern=n::a")
	r.await("caught_up")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.stop()
	}()
	r.await("problem")
	<-ended
}
