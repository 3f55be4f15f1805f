package access_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aimdb-go/aimdb/access"
)

func TestRequest(t *testing.T) {
	tokens := []access.Token{{Token: "known", Read: []string{"a"}}}
	users := []access.User{{Name: "ann", Password: "right", Read: []string{"a"}}}
	both, onlyTokens, open := listOf(t, tokens, users), listOf(t, tokens, nil), access.Everybody()
	colon := listOf(t, []access.Token{{Token: "to:ken", Read: []string{"a"}}}, nil)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "bearer  "+token) }
	}
	basic := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	query := func(r *http.Request) { r.URL.RawQuery = "token=known" }
	for name, c := range map[string]struct {
		list      *access.List
		with      func(*http.Request)
		query     bool
		presented bool
		reads     bool
		unknown   bool
	}{
		"token":                   {both, bearer("known"), false, true, true, false},
		"wrong token":             {both, bearer("other"), false, true, false, true},
		"user":                    {both, basic("ann", "right"), false, true, true, false},
		"wrong password":          {both, basic("ann", "wrong"), false, true, false, true},
		"user as Bearer":          {both, bearer("ann:right"), false, true, true, false},
		"wrong user as Bearer":    {both, bearer("ann:wrong"), false, true, false, true},
		"token with a colon":      {colon, bearer("to:ken"), false, true, true, false},
		"such a token as Basic":   {colon, basic("to", "ken"), false, true, true, false},
		"no such token":           {colon, bearer("to:wrong"), false, true, false, true},
		"nothing":                 {both, func(*http.Request) {}, false, false, false, false},
		"empty token":             {both, bearer(""), false, false, false, false},
		"query, not taken":        {both, query, false, false, false, false},
		"query":                   {both, query, true, true, true, false},
		"Basic of a proxy":        {onlyTokens, basic("ann", "right"), false, false, false, false},
		"Basic of a proxy, query": {onlyTokens, func(r *http.Request) { r.SetBasicAuth("x", "y"); query(r) }, true, true, true, false},
		"open":                    {open, bearer("whatever"), false, false, true, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		c.with(r)
		request := c.list.Request
		if c.query {
			request = c.list.RequestOrQuery
		}
		g, presented, err := request(r)
		if presented != c.presented || g == nil || g.Reads("a") != c.reads || errors.Is(err, access.ErrUnknown) != c.unknown {
			t.Errorf("%s: %v, %v, %v", name, g, presented, err)
		}
	}
}
