package gateway_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx/gateway"
)

// TestWrongTokens: a wrong token is answered, and the connection ends. A right one can
// be presented again, and another one cannot.
func TestWrongTokens(t *testing.T) {
	var log bytes.Buffer
	h := openTokens(t, func(c *gateway.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, token := range []string{"wrong", "", atticToken + "x", atticToken[1:], "7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a"} {
		p := h.lengthPeer(t)
		if got := greet(t, p, token); withoutMessage(t, got) != `{"t":"reply","id":1,"err":"denied"}` {
			t.Errorf("%q: %s", token, got)
		}
		if _, err := p.read(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: the connection lives on: %v", token, err)
		}
	}
	p := h.lengthPeer(t)
	exchange(t, p, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0"}}`, `{"t":"reply","id":1,"err":"denied"}`)
	exchange(t, p, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0","auth_token":7}}`, `{"t":"reply","id":1,"err":"denied"}`)
	exchange(t, p, `{"t":"req","id":1,"method":"hello","params":{"version":"2.0","auth_token":"wrong"}}`, `{"t":"reply","id":1,"err":"version_mismatch"}`)
	for _, token := range []string{atticToken, atticToken} {
		if got := greet(t, p, token); !strings.Contains(got, `"authenticated":true`) {
			t.Error(got)
		}
	}
	if got := greet(t, p, allToken); !strings.Contains(got, `"denied"`) {
		t.Error(got)
	}
	exchange(t, p, `{"t":"req","id":5,"method":"record.get","params":{"name":"hub.settings"}}`, `{"t":"reply","id":5,"err":"denied"}`)
	if said := log.String(); strings.Count(said, "unknown token") != 5 || !strings.Contains(said, "refused_tokens=5") || strings.Contains(said, "token-of") {
		t.Errorf("the log:\n%s", said)
	}
}

// TestUsersInHello: auth_token takes the name and password of a user, and tokens come first.
func TestUsersInHello(t *testing.T) {
	list, err := access.NewList([]access.Token{{Token: "ann:token", Read: []string{"hub.settings"}}},
		[]access.User{{Name: "ann", Password: "right:one", Read: []string{"attic.door"}}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h := open(t, func(c *gateway.Config) { c.Logger, c.Access = slog.New(slog.NewTextHandler(&log, nil)), list })
	h.door.Produce(reading{PPM: 2})
	h.tuned.Produce(settings{3})
	const door, hub = `{"name":"attic.door"}`, `{"name":"hub.settings"}`
	for _, c := range []struct{ text, granted, denied string }{{"ann:right:one", door, hub}, {"ann:token", hub, door}} {
		p := h.lengthPeer(t)
		for range 2 { // also again
			if got := greet(t, p, c.text); !strings.Contains(got, `"authenticated":true`) {
				t.Fatalf("%s: %s", c.text, got)
			}
		}
		p.send(t, `{"t":"req","id":5,"method":"record.get","params":`+c.granted+`}`)
		if got := p.next(t); !strings.Contains(got, `"ok"`) {
			t.Errorf("%s: %s", c.text, got)
		}
		exchange(t, p, `{"t":"req","id":6,"method":"record.get","params":`+c.denied+`}`, `{"t":"reply","id":6,"err":"denied"}`)
	}
	for _, text := range []string{"ann:wrong", "ann:", "ann", "eve:right:one"} {
		p := h.lengthPeer(t)
		if got := greet(t, p, text); !strings.Contains(got, "the token, or the name or password, is unknown") {
			t.Errorf("%s: %s", text, got)
		}
		if _, err := p.read(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection lives on: %v", text, err)
		}
	}
	if said := log.String(); !strings.Contains(said, "refused_tokens=4") || strings.Contains(said, "right:one") {
		t.Errorf("the log:\n%s", said)
	}
}

// TestNoTokenInTime: a connection that presents no token is told so and closed.
func TestNoTokenInTime(t *testing.T) {
	h := openTokens(t, func(c *gateway.Config) { c.Limits.TokenTimeout = 500 * time.Millisecond })
	quiet, admitted := h.lengthPeer(t), h.lengthPeer(t)
	greet(t, admitted, allToken)
	if got := quiet.next(t); !strings.Contains(got, "no token came within 500ms") {
		t.Errorf("got %s", got)
	}
	if _, err := quiet.read(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	barrier(t, admitted)
}

// TestTokensOfWebRequests: a token in the header or the query admits before the first
// frame, and a wrong one is answered with 401.
func TestTokensOfWebRequests(t *testing.T) {
	h := openTokens(t, func(c *gateway.Config) { c.Health = func() []string { return []string{"a disk is full"} } })
	for _, c := range []struct {
		query, header string
		admitted      bool
	}{
		{"&token=" + atticToken, "", true}, {"", "Bearer " + atticToken, true}, {"", "bearer  " + atticToken, true},
		{"&token=wrong", "Bearer " + atticToken, true}, {"", "Basic eDp5", true}, {"", "", true},
		{"&token=wrong", "", false}, {"", "Bearer wrong", false}, {"&token=" + atticToken, "Bearer wrong", false},
	} {
		header := http.Header{}
		if c.header != "" {
			header.Set("Authorization", c.header)
		}
		socket, response, err := websocket.Dial(soon(t), h.webSocket()+"?v=3.0"+c.query, &websocket.DialOptions{HTTPHeader: header})
		if (err == nil) != c.admitted || err != nil && response.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%+v: %v", c, err)
		}
		if err != nil {
			continue
		}
		p := &webPeer{socket}
		want := `{"t":"reply","id":5,"ok":{"ppm":2}}`
		if !strings.Contains(c.query+c.header, atticToken) {
			want = `{"t":"reply","id":5,"err":"denied"}`
		}
		exchange(t, p, `{"t":"req","id":5,"method":"record.get","params":{"name":"attic.door"}}`, want)
		_ = socket.CloseNow()
	}
	for path, reasons := range map[string]bool{"/health": false, "/health?token=wrong": false, "/health?token=" + hubToken: true} {
		if code, body, _ := fetch(t, h, path); code != 200 || !strings.Contains(body, "degraded") || strings.Contains(body, "disk") != reasons {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// TestSocketsNeedNoToken: who may connect to a unix socket may do everything.
func TestSocketsNeedNoToken(t *testing.T) {
	p := openTokens(t).linePeer(t)
	exchange(t, p, `{"t":"req","id":5,"method":"record.get","params":{"name":"hub.settings"}}`, `{"t":"reply","id":5,"ok":{"tolerance_celsius":3.0}}`)
	if got := greet(t, p, "wrong"); !strings.Contains(got, `"authenticated":false`) {
		t.Error(got)
	}
}

// FuzzTokens: no token but the configured ones admits a client.
func FuzzTokens(f *testing.F) {
	h := openTokens(f)
	for _, seed := range []string{`"wrong"`, `"` + allToken + `"`, `"\u0074oken-of-all"`, `""`, `null`, `7`, `{"a":1}`, `"` + atticToken + ` "`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if !json.Valid([]byte(token)) {
			return
		}
		p := h.lengthPeer(t)
		defer closing(t, p.conn)
		p.send(t, `{"t":"req","id":1,"method":"hello","params":{"version":"3.0","auth_token":`+token+`}}`)
		// After a wrong token the server closes the connection, so this may fail.
		get := `{"t":"req","id":2,"method":"record.get","params":{"name":"accuracy::vienna"}}`
		_, _ = p.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(get))), get...))
		for {
			frame, err := p.read()
			if err != nil || strings.Contains(frame, `"id":2,"err":"denied"`) {
				return
			}
			if strings.Contains(frame, `"id":2,"ok"`) {
				if !configured(token) {
					t.Fatalf("%q admits: %s", token, frame)
				}
				return
			}
		}
	})
}

// configured reports whether JSON text is the one token that reads everything.
func configured(text string) bool {
	var token string
	return json.Unmarshal([]byte(text), &token) == nil && token == allToken
}
