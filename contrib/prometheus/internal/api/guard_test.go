package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/api"
)

func TestTokens(t *testing.T) {
	tokens, err := access.NewList([]access.Token{{Token: "all", Read: []string{"#"}}, {Token: "graz", Read: []string{"w.graz.*"}}, {Token: "none"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, &rows{all: sample()}, func(c *api.Config) { c.Tokens = tokens })
	const labels = "/api/v1/label/station/values"
	for _, c := range []struct {
		method, path, token, host, origin string
		status                            int
		want                              string
	}{
		{"GET", labels, "", "", "", 401, `"errorType":"unauthorized","error":"this server admits nobody without a token`},
		{"GET", labels, "wrong", "", "", 401, `is unknown`},
		{"GET", "/-/healthy", "", "", "", 401, "unauthorized"},
		{"GET", labels, "all", "", "", 200, `["graz","linz"]`},
		{"GET", labels, "all", "db.example:9201", "", 200, `["graz","linz"]`},
		{"GET", labels, "graz", "", "", 200, `["graz"]`},
		{"GET", labels, "none", "", "", 200, `[]`},
		{"GET", "/api/v1/query?time=1000&query=count({__name__=~%22.%2B%22})", "graz", "", "", 200, `[1000,"1"]`},
		{"GET", "/api/v1/series?match[]={__name__=~%22.%2B%22}", "graz", "", "", 200, `[{"__name__":"temp","station":"graz"}]`},
		{"GET", "/federate?match[]=temp", "none", "", "", 200, ``},
		{"POST", labels, "all", "", "https://evil.example", 403, `"errorType":"forbidden"`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != c.status || !strings.Contains(string(body), c.want) || answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s with %q: %s %s %v; want %d %s", c.method, c.path, c.token, answer.Status, body, err, c.status, c.want)
		}
		if challenge := answer.Header.Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
			t.Errorf("%s with %q: the challenge is %q", c.path, c.token, challenge)
		}
	}
}

// TestPagesOfOtherSites: without tokens, a page may not run queries either.
func TestPagesOfOtherSites(t *testing.T) {
	s := start(t, &rows{all: sample()})
	for header, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v1/query", strings.NewReader("query=1"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header, value)
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: %s", header, value, answer.Status)
		}
	}
}
