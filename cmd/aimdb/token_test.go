package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/aimdb-go/aimdb/access"
)

// TestToken: the hash is that of the token, and each token is another one.
func TestToken(t *testing.T) {
	out := aimdb(t, "token").ok(t)
	token, hash, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(out, "token=")), "\nhash=")
	if sum := sha256.Sum256([]byte(token)); len(token) < 26 || hash != hex.EncodeToString(sum[:]) {
		t.Errorf("printed %q", out)
	}
	if aimdb(t, "token").ok(t) == out {
		t.Error("two tokens are the same")
	}
}

// TestTokenUser: the printed hash admits the user with the password, and htpasswd takes it.
// The line for the settings of serve has the same.
func TestTokenUser(t *testing.T) {
	const password = "pässword with spaces"
	out := strings.TrimSpace(aimdbIn(t, password+"\r\n", "token", "--user", "ann").ok(t))
	line, settings, _ := strings.Cut(out, "\n")
	name, hash, _ := strings.Cut(line, ":")
	var users []struct{ Name, Hash string }
	if err := yaml.Unmarshal([]byte(settings), &users); err != nil || len(users) != 1 || users[0].Name != "ann" || users[0].Hash != hash {
		t.Errorf("the line for the settings is %q: %v", settings, err)
	}
	list, err := access.NewList(nil, []access.User{{Name: name, Hash: hash, Read: []string{"#"}}})
	if err != nil || list.User("ann", password) == nil || list.User("ann", password+" ") != nil {
		t.Errorf("%q: %v", out, err)
	}
	if htpasswd, err := exec.LookPath("htpasswd"); err == nil {
		line, err := exec.Command(htpasswd, "-nbB", "ann", password).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, hash, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		list, err := access.NewList(nil, []access.User{{Name: "ann", Hash: hash}})
		if err != nil || list.User("ann", password) == nil {
			t.Errorf("htpasswd wrote %q: %v", line, err)
		}
	}
	for stdin, says := range map[string]string{"": "no password", "\n": "no password", strings.Repeat("x", 73): "bcrypt takes 72"} {
		if r := aimdbIn(t, stdin, "token", "--user", "ann"); r.code == 0 || !strings.Contains(r.stderr, says) || r.stdout != "" {
			t.Errorf("%.10q: %d %q", stdin, r.code, r.stderr)
		}
	}
	aimdbIn(t, "x", "token", "--user", "a:b").fails(t, exitUsage, "without ':'")
}
