package aimdb_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
)

// ended waits for the end of a connection and returns its cause.
func ended(t *testing.T, c *aimx.Client) string {
	t.Helper()
	select {
	case <-c.Done():
		return c.Err().Error()
	case <-time.After(time.Minute):
		return "it is still open"
	}
}

func dialListing(t *testing.T, endpoint string, options ...aimx.DialOption) *aimx.Client {
	t.Helper()
	c, err := aimx.Dial(t.Context(), endpoint, options...)
	if err == nil {
		_, err = c.List(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestRevokedSessionsEnd: sessions of a token that is removed or changed end with a reason,
// over TCP and WebSocket. Those of other tokens and of unix sockets go on.
func TestRevokedSessionsEnd(t *testing.T) {
	socket := t.TempDir() + "/s"
	token := func(name string, read ...string) aimdb.Token { return aimdb.Token{Token: name, Read: read} }
	db := open(t, t.TempDir(), aimdb.TCP(":0"), aimdb.HTTP(":0", nil), aimdb.Gateway(socket),
		aimdb.Tokens(token("kept", "#"), token("removed", "#"), token("changed", "#")))
	register[int](t, db, "light", aimdb.Latest(), aimdb.Remote(), aimdb.Writable()).Produce(1)
	defer start(t, db)()
	at := db.Addresses()
	clients := map[string][]*aimx.Client{}
	for _, endpoint := range []string{"tcp://" + at.TCP, "ws://" + at.HTTP} {
		for _, name := range []string{"kept", "removed", "changed"} {
			c := dialListing(t, endpoint, aimx.Token(name))
			if _, err := c.Watch(t.Context(), "light"); err != nil {
				t.Fatal(err)
			}
			clients[name] = append(clients[name], c)
		}
	}
	local := dialListing(t, socket)
	if err := db.Access().Replace([]aimdb.Token{token("kept", "#"), token("broken", "a*")}, nil); err == nil {
		t.Error("a broken pattern was taken")
	}
	if _, err := clients["removed"][0].List(t.Context()); err != nil {
		t.Errorf("a reload that fails changes something: %v", err)
	}
	if err := db.Access().Replace([]aimdb.Token{token("new"), token("changed", "nothing"), token("kept", "#")}, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"removed", "changed"} {
		for _, c := range clients[name] {
			if why := ended(t, c); !strings.Contains(why, "was removed or changed") {
				t.Errorf("%s at %v: %s", name, c.Endpoint(), why)
			}
		}
	}
	for _, c := range append(clients["kept"], local) {
		if _, err := c.List(t.Context()); err != nil {
			t.Errorf("a session that may go on: %v", err)
		}
	}
	if _, err := aimx.Dial(t.Context(), "ws://"+at.HTTP, aimx.Token("removed")); err == nil {
		t.Error("a removed token admits a client")
	}
}

// TestOpenSessionsEnd: the first token of a database that was open ends the sessions that
// presented none.
func TestOpenSessionsEnd(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.TCP(":0"))
	register[int](t, db, "light", aimdb.Latest(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	c := dialListing(t, "tcp://"+db.Addresses().TCP)
	if err := db.Access().Replace([]aimdb.Token{{Token: "first"}}, nil); err != nil {
		t.Fatal(err)
	}
	if why := ended(t, c); !strings.Contains(why, "was removed or changed") {
		t.Error(why)
	}
}

// TestUsersOfAWebSocket: a name and password in the header admit a WebSocket, with what
// they grant, and so do those that the client presents, over TCP too.
func TestUsersOfAWebSocket(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.HTTP(":0", nil), aimdb.TCP(":0"), aimdb.Users(aimdb.User{Name: "ann", Password: "right", Read: []string{"light"}}))
	register[int](t, db, "light", aimdb.Latest(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	for password, admitted := range map[string]bool{"right": true, "wrong": false, "": false} {
		header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+password))}}
		socket, response, err := websocket.Dial(t.Context(), "ws://"+db.Addresses().HTTP+"/ws?v=3.0", &websocket.DialOptions{HTTPHeader: header})
		if admitted != (err == nil) || !admitted && response.StatusCode != http.StatusUnauthorized {
			t.Errorf("password %q: %v", password, err)
		}
		if err == nil {
			_ = socket.CloseNow()
		}
	}
	for _, scheme := range []string{"ws", "tcp"} {
		at := map[string]string{"ws": db.Addresses().HTTP, "tcp": db.Addresses().TCP}[scheme]
		c, err := aimx.Dial(t.Context(), scheme+"://"+at, aimx.Token("ann:right"))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := aimx.Get[int](t.Context(), c, "light"); err != nil || v != 1 {
			t.Errorf("%s: %v, %v", scheme, v, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
