package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/httpapi"
)

func TestBatchTakesGoodLines(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	body := strings.Join([]string{
		`{"key":"n::a","value":{"n":1}}`,
		``,
		`{"key":"n::a","value":{"n":"x"}}`,
		`{"key":"nothing","value":1}`,
		`{"key":"secret","value":{"n":1}}`,
		`{"key":"n::a"}`,
		`{"key":"n::a","value":NaN}`,
		`{"key":"n::a","value":{"n":1},"time":5}`,
		`["n::a",1]`,
		`{"key":"n::a","value":{"n":1}} {}`,
		` {"value" : {"n":2} , "key" : "n::a"} ` + "\r",
		`{"key":"any","value":[1,null,"\u00e9"]}`,
	}, "\n")
	a := f.ask(t, "POST", "/api/write", body)
	a.expect(t, 422, "8 of 11 lines were refused")
	var p struct {
		Accepted, Refused int
		Errors            []struct {
			Line       int
			Pointer    *string
			Cause, Key string
		}
	}
	a.into(t, &p)
	want := map[int]string{3: "invalid", 4: "unknown", 5: "denied", 6: "malformed", 7: "malformed", 8: "malformed", 9: "malformed", 10: "malformed"}
	if p.Accepted != 3 || p.Refused != len(want) || len(p.Errors) != len(want) {
		t.Errorf("%+v", p)
	}
	for _, e := range p.Errors {
		if e.Cause != want[e.Line] || e.Line == 3 && (e.Pointer == nil || *e.Pointer != "/n") {
			t.Errorf("line %d: %+v, want %s", e.Line, e, want[e.Line])
		}
	}
	f.flush(t)
	f.ask(t, "GET", "/api/query?kind=range&pattern=%23", "").expect(t, 200, `{"n":1}`)
	f.ask(t, "GET", "/api/query?pattern=any", "").expect(t, 200, `[1,null,"\u00e9"]`)
	f.ask(t, "GET", "/api/records/n::a", "").expect(t, 200, `{"n":2}`)
}

// More values than the ring has room for, and more than wait for the log at a time.
func TestBatchLosesNothing(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	const count = 40_000
	var body strings.Builder
	for n := range count {
		fmt.Fprintf(&body, "{\"key\":\"n::a\",\"value\":{\"n\":%d}}\n", n)
	}
	f.ask(t, "POST", "/api/write", body.String()).expect(t, 200, fmt.Sprintf(`{"accepted":%d}`, count))
	f.flush(t)
	lines := bufio.NewScanner(strings.NewReader(f.ask(t, "GET", "/api/query?pattern=n::a&format=ndjson", "").body))
	n := 0
	for ; lines.Scan(); n++ {
		var r struct{ Value reading }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Value.N != n {
			t.Fatalf("row %d: %s, %v", n, lines.Text(), err)
		}
	}
	if n != count {
		t.Errorf("%d rows, want %d", n, count)
	}
}

func TestBodiesOverTheLimit(t *testing.T) {
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.BodyBytes(1000), httpapi.LineBytes(100)})
	line := `{"key":"n::a","value":{"n":1}}` + "\n"
	f.ask(t, "POST", "/api/write", strings.Repeat(line, 100)).expect(t, 413, `"accepted":`)
	f.ask(t, "POST", "/api/write", line+`{"key":"any","value":"`+strings.Repeat("x", 100)+`"}`).expect(t, 413, `"accepted":1`)
	f.ask(t, "PUT", "/api/records/any", `"`+strings.Repeat("x", 99)+`"`).expect(t, 413, "more than 100 bytes")
	f.ask(t, "PUT", "/api/records/any", `"`+strings.Repeat("x", 98)+`"`).expect(t, 204, "")
}

// A body that ends early, and one that never ends: the complete lines are taken, and the
// sender is told so if it still listens.
func TestHalfBodies(t *testing.T) {
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.WriteTimeout(200 * time.Millisecond)})
	send := func(text string, close bool) string {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST /api/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"+text); err != nil {
			t.Fatal(err)
		}
		if close {
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(response.StatusCode, " ", string(body))
	}
	const lines = `{"key":"n::a","value":{"n":1}}` + "\n" + `{"key":"n::a","value":{"n":2}}`
	if got := send(lines, false); !strings.HasPrefix(got, "408 ") || !strings.Contains(got, `"accepted":1`) {
		t.Errorf("a slow sender: %s", got)
	}
	if got := send(lines, true); !strings.HasPrefix(got, "400 ") || !strings.Contains(got, `"accepted":1`) {
		t.Errorf("a half body: %s", got)
	}
	f.ask(t, "GET", "/api/records/n::a", "").expect(t, 200, `{"n":1}`)
}
