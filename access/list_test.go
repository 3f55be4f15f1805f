package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/key"
)

func listOf(t testing.TB, tokens []access.Token, users []access.User) *access.List {
	t.Helper()
	l, err := access.NewList(tokens, users)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hashOf returns the bcrypt hash of a password as htpasswd writes it.
func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 8)
	if err != nil {
		t.Fatal(err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
}

func TestGrants(t *testing.T) {
	one := access.NewGrants([]key.Pattern{key.WirePattern("attic.*")}, []key.Pattern{key.WirePattern("attic.lamp")})
	for name, c := range map[string]struct {
		g                    *access.Grants
		reads, writes, wider bool
	}{
		"nil":     {nil, true, true, true},
		"open":    {access.Everybody().Anonymous(), true, true, true},
		"closed":  {listOf(t, []access.Token{{Token: "x"}}, nil).Anonymous(), false, false, false},
		"none":    {&access.Grants{}, false, false, false},
		"some":    {one, true, false, false},
		"nothing": {access.NewGrants(nil, nil), false, false, false},
	} {
		if c.g.Reads("attic.co2") != c.reads || c.g.Writes("attic.co2") != c.writes ||
			c.g.ReadsAll(key.WirePattern("#")) != c.wider || c.g.WritesAll(key.WirePattern("#")) != c.wider || c.g.Everything() != c.wider {
			t.Errorf("%s: %v %v", name, c.g.Reads("attic.co2"), c.g.Writes("attic.co2"))
		}
	}
	if (*access.Grants)(nil).Revoked() != nil || one.IsRevoked() {
		t.Error("grants that no list made are revoked")
	}
}

func TestBadLists(t *testing.T) {
	right := strings.Repeat("a", 64)
	costly := "$2y$31$" + strings.Repeat("a", 53)
	for name, c := range map[string]struct {
		tokens []access.Token
		users  []access.User
		says   string
	}{
		"empty":            {[]access.Token{{}}, nil, "token 1: give either the token or its hash"},
		"both":             {[]access.Token{{Token: "secret", Hash: right}}, nil, "token 1: give either"},
		"bad hash":         {[]access.Token{{Token: "secret"}, {Hash: "xyz"}}, nil, "token 2: the hash is not a SHA-256"},
		"twice":            {[]access.Token{{Token: "secret"}, {Token: "other"}, {Token: "secret"}}, nil, "tokens 1 and 3 are the same"},
		"bad pattern":      {[]access.Token{{Token: "secret", Read: []string{"a*"}}}, nil, "token 1"},
		"no name":          {nil, []access.User{{Password: "secret"}}, `user 1 (""): it has no name`},
		"colon":            {nil, []access.User{{Name: "a:b", Password: "secret"}}, "without ':'"},
		"control":          {nil, []access.User{{Name: "a\n", Password: "secret"}}, "control characters"},
		"no password":      {nil, []access.User{{Name: "ann"}}, `user 1 ("ann"): give either the password or its hash`},
		"long password":    {nil, []access.User{{Name: "ann", Password: strings.Repeat("secret", 13)}}, "78 bytes"},
		"other hash":       {nil, []access.User{{Name: "ann", Hash: right}}, "not one of bcrypt"},
		"cut hash":         {nil, []access.User{{Name: "ann", Hash: hashOf(t, "secret")[:59]}}, "not one of bcrypt"},
		"costly hash":      {nil, []access.User{{Name: "ann", Hash: costly}}, "cost 31"},
		"same name":        {nil, []access.User{{Name: "ann", Password: "secret"}, {Name: "ann", Password: "secret2"}}, "given twice"},
		"pattern of users": {nil, []access.User{{Name: "ann", Password: "secret", Write: []string{"a**"}}}, `user 1 ("ann")`},
	} {
		if _, err := access.NewList(c.tokens, c.users); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
}

func TestToken(t *testing.T) {
	sum := sha256.Sum256([]byte("hashed"))
	l := listOf(t, []access.Token{{Token: "plain", Read: []string{"a"}}, {Hash: hex.EncodeToString(sum[:]), Read: []string{"b"}}}, nil)
	for token, record := range map[string]string{"plain": "a", "hashed": "b"} {
		if g := l.Token(token); g == nil || !g.Reads(record) || g.Reads("c") {
			t.Errorf("%s: %v", token, g)
		}
	}
	for _, token := range []string{"", "Plain", "plain ", hex.EncodeToString(sum[:])} {
		if l.Token(token) != nil {
			t.Errorf("%q is known", token)
		}
	}
	if l.Refused() != 4 {
		t.Errorf("%d were refused", l.Refused())
	}
}

// TestLogin: a text is a token, or else the name and password of a user.
func TestLogin(t *testing.T) {
	l := listOf(t, []access.Token{{Token: "plain", Read: []string{"a"}}, {Token: "ann:token", Read: []string{"b"}}},
		[]access.User{{Name: "ann", Password: "right:ü ", Read: []string{"c"}}, {Name: "bob", Hash: hashOf(t, "right"), Read: []string{"d"}}})
	for text, record := range map[string]string{"plain": "a", "ann:token": "b", "ann:right:ü ": "c", "bob:right": "d"} {
		if g := l.Login(text); g == nil || !g.Reads(record) || g.Reads("e") {
			t.Errorf("%s: %v", text, g)
		}
	}
	wrong := []string{"", ":", "ann", "ann:", "ann:right", "bob:wrong", "bob:plain", "eve:right", "right:ü "}
	for _, text := range wrong {
		if l.Login(text) != nil {
			t.Errorf("%q is known", text)
		}
	}
	if l.Refused() != uint64(len(wrong)) {
		t.Errorf("%d were refused, want %d", l.Refused(), len(wrong))
	}
}

// TestUser: a password is compared with bcrypt once; a wrong one and an unknown name take
// as long as bcrypt does.
func TestUser(t *testing.T) {
	l := listOf(t, nil, []access.User{{Name: "ann", Hash: hashOf(t, "right"), Read: []string{"a"}}, {Name: "ben", Password: "plain", Read: []string{"b"}}})
	timed := func(name, password string) (*access.Grants, time.Duration) {
		begin := time.Now()
		g := l.User(name, password)
		return g, time.Since(begin)
	}
	if g, _ := timed("ann", "right"); g == nil || !g.Reads("a") || g.Reads("b") {
		t.Errorf("ann: %v", g)
	}
	if g, _ := timed("ben", "plain"); g == nil || !g.Reads("b") {
		t.Errorf("ben: %v", g)
	}
	_, wrong := timed("ann", "wrong")
	quick := wrong
	for range 20 {
		g, took := timed("ann", "right")
		if g == nil {
			t.Fatal("ann is refused")
		}
		quick = min(quick, took)
	}
	if quick > wrong/10 {
		t.Errorf("a password that was right before takes %v, a wrong one %v", quick, wrong)
	}
	for _, c := range [][2]string{{"ann", "plain"}, {"ben", "right"}, {"eve", "right"}, {"ann", ""}, {"", ""}, {"ben", ""}, {"ann", "righ"}} {
		if g, took := timed(c[0], c[1]); g != nil || took < wrong/10 {
			t.Errorf("%v: %v after %v, a wrong password takes %v", c, g, took, wrong)
		}
	}
	if l.Refused() != 8 {
		t.Errorf("%d were refused", l.Refused())
	}
}

// TestReplace: what stays the same is not revoked, and keeps its password.
func TestReplace(t *testing.T) {
	ann := access.User{Name: "ann", Hash: hashOf(t, "right"), Read: []string{"a"}}
	same := access.Token{Token: "same", Read: []string{"a"}}
	l := listOf(t, []access.Token{same, {Token: "gone"}, {Token: "wider"}}, []access.User{ann, {Name: "ben", Password: "old"}})
	grants := map[string]*access.Grants{"same": l.Token("same"), "gone": l.Token("gone"), "wider": l.Token("wider"), "ann": l.User("ann", "right"), "ben": l.User("ben", "old")}
	calls := 0
	cancel := l.OnReplace(func() { calls++ })
	if err := l.Replace([]access.Token{{}}, nil); err == nil || l.Token("gone") != grants["gone"] || calls != 0 {
		t.Fatalf("a broken list: %v", err)
	}
	if err := l.Replace([]access.Token{{Token: "wider", Read: []string{"#"}}, same}, []access.User{{Name: "ben", Password: "new"}, ann}); err != nil {
		t.Fatal(err)
	}
	for name, revoked := range map[string]bool{"same": false, "gone": true, "wider": true, "ann": false, "ben": true} {
		if grants[name].IsRevoked() != revoked {
			t.Errorf("%s: revoked is %v", name, !revoked)
		}
	}
	if l.Token("same") != grants["same"] || l.User("ann", "right") != grants["ann"] || l.Token("gone") != nil || l.User("ben", "old") != nil || l.User("ben", "new") == nil {
		t.Error("the list is not the new one")
	}
	if calls != 1 {
		t.Errorf("OnReplace was called %d times", calls)
	}
	cancel()
	if err := l.Replace(nil, nil); err != nil || !l.Open() || !grants["same"].IsRevoked() || calls != 1 {
		t.Errorf("an empty list: %v", err)
	}
	open := l.Anonymous()
	if err := l.Replace(nil, nil); err != nil || open.IsRevoked() {
		t.Error("a list that stays open revokes something")
	}
	if err := l.Replace([]access.Token{same}, nil); err != nil || !open.IsRevoked() || l.Anonymous().Reads("a") {
		t.Error("a list that is closed revokes nothing")
	}
}

// TestConcurrentReplace: the list can be used while it is replaced.
func TestConcurrentReplace(t *testing.T) {
	l := listOf(t, []access.Token{{Token: "t0"}}, []access.User{{Name: "ann", Password: "right"}})
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 200 {
				l.Token("t1")
				if l.User("ann", "right") == nil {
					t.Error("ann is refused")
				}
			}
		})
	}
	for i := range 200 {
		if err := l.Replace([]access.Token{{Token: fmt.Sprintf("t%d", i%3)}}, []access.User{{Name: "ann", Password: "right"}}); err != nil {
			t.Fatal(err)
		}
	}
	work.Wait()
}
