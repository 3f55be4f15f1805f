package natsd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLeafConfigurationsThatAreWrong(t *testing.T) {
	url := []string{"nats-leaf://127.0.0.1:1"}
	for want, c := range map[string]Config{
		"no URL of a hub":          {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{}}},
		"is not one":               {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: []string{"7422"}}}},
		"more than one of":         {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url, User: "u", Token: "t"}}},
		"no user":                  {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url, Password: "p"}}},
		"domain of its own":        {Leaf: []LeafRemote{{URLs: url}}},
		"read the certificate":     {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url, CAFile: "absent.pem"}}},
		"read the nkey":            {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url, NKey: "absent.nk"}}},
		"not both":                 {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url}}, LeafListen: "127.0.0.1:0", Sites: []Site{{Name: "s"}}},
		"at least one site":        {LeafListen: "127.0.0.1:0"},
		"is not host:port":         {LeafListen: "7422", Sites: []Site{{Name: "s"}}},
		"holds no PEM":             {Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: url, CAFile: "leaf_test.go"}}},
		"listen for leaf nodes on": {LeafListen: taken(t), Sites: []Site{{Name: "s"}}},
	} {
		t.Run(want, func(t *testing.T) {
			if _, err := tryOpen(t, c); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// taken returns an address where a server listens.
func taken(t *testing.T) string {
	return open(t, Config{LeafListen: "127.0.0.1:0", Sites: []Site{{Name: "s", Domain: "d", Stream: "S", Deliver: "x"}}}).LeafAddr()
}

// What a remote presents is in the options of the server library.
func TestWhatALeafPresents(t *testing.T) {
	seed := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(seed, []byte("SUA...\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := []string{"nats-leaf://127.0.0.1:1"}
	for _, c := range []struct {
		remote            LeafRemote
		user, nkey, creds string
	}{
		{LeafRemote{URLs: url, User: "u", Password: "p"}, "u:p", "", ""},
		{LeafRemote{URLs: url, Token: "t"}, "t", "", ""},
		{LeafRemote{URLs: url, NKey: seed}, "", "SUA...", ""},
		{LeafRemote{URLs: url, Creds: "a.creds"}, "", "", "a.creds"},
	} {
		got, err := c.remote.options("A")
		if err != nil {
			t.Fatal(err)
		}
		if user := got.URLs[0].User.String(); user != c.user || got.Nkey != c.nkey || got.Credentials != c.creds || got.LocalAccount != "A" {
			t.Errorf("%+v presents %q, %q and %q", c.remote, user, got.Nkey, got.Credentials)
		}
	}
}

// The port for leaf nodes stays the same when the server restarts in place.
func TestRestartKeepsThePortForLeafNodes(t *testing.T) {
	s := open(t, Config{LeafListen: "127.0.0.1:0", Sites: []Site{{Name: "s", Domain: "d", Stream: "S", Deliver: "x"}}})
	before := s.LeafAddr()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := s.LeafAddr(); got != before || before == "" {
		t.Errorf("leaf nodes join at %s, and at %s before", got, before)
	}
}
