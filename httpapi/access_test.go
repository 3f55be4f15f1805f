package httpapi_test

import (
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
)

// A page of another site cannot write, whatever it sends; one of Origins can, and reads the
// answers.
func TestPagesOfOtherSites(t *testing.T) {
	f := open(t, t.TempDir(), nil, aimdb.Origins("*.example.com"))
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Origin: https://evil.test", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"}, 403},
		{[]string{"Origin: https://evil.test"}, 403}, // an older browser
		{[]string{"Origin: null", "Sec-Fetch-Site: cross-site"}, 403},
		{[]string{"Origin: http://localhost:1", "Sec-Fetch-Site: same-site"}, 403},
		{[]string{"Origin: " + f.url, "Sec-Fetch-Site: same-origin"}, 204},
		{[]string{"Origin: " + f.url}, 204},
		{[]string{"Origin: https://a.example.com", "Sec-Fetch-Site: cross-site"}, 204},
		{[]string{"Origin: https://example.com.evil.test", "Sec-Fetch-Site: cross-site"}, 403},
		{nil, 204}, // no browser
	} {
		f.ask(t, "PUT", "/api/records/n::a", `{"n":1}`, c.headers...).expect(t, c.status, "")
		want := 200
		if c.status == 403 {
			want = 403
		}
		f.ask(t, "POST", "/api/write", `{"key":"n::a","value":{"n":1}}`, c.headers...).expect(t, want, "")
		a := f.ask(t, "GET", "/api/records", "", c.headers...)
		a.expect(t, 200, "")
		allowed, mine := a.Header.Get("Access-Control-Allow-Origin"), len(c.headers) > 0 && strings.HasSuffix(c.headers[0], ".example.com")
		if (allowed != "") != mine {
			t.Errorf("%v: Access-Control-Allow-Origin %q", c.headers, allowed)
		}
	}
	f.ask(t, "GET", "/api/records", "", "Host: rebound.test").expect(t, 403, `the host \"rebound.test\" is not served`)
	f.ask(t, "GET", "/api/records", "", "Host: a.example.com").expect(t, 200, "")
	p := f.ask(t, "OPTIONS", "/api/records/n::a", "", "Origin: https://a.example.com", "Access-Control-Request-Method: PUT")
	if p.StatusCode != 204 || !strings.Contains(p.Header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("%d %v", p.StatusCode, p.Header)
	}
	if p := f.ask(t, "OPTIONS", "/api/records/n::a", "", "Origin: https://evil.test"); p.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%d %v", p.StatusCode, p.Header)
	}
}

func TestGrants(t *testing.T) {
	f := open(t, t.TempDir(), nil, aimdb.Tokens(
		aimdb.Token{Token: "writes", Write: []string{"n.#"}},
		aimdb.Token{Token: "reads", Read: []string{"n::a"}},
	))
	const writes, reads = "Authorization: Bearer writes", "Authorization: Bearer reads"
	f.ask(t, "GET", "/api", "").expect(t, 200, "openapi")
	for _, path := range []string{"/api/records", "/api/records/n::a", "/api/query", "/api/stream"} {
		f.ask(t, "GET", path, "").expect(t, 401, "without a token")
		f.ask(t, "GET", path, "", "Authorization: Bearer guess").expect(t, 401, "unknown")
	}
	for _, c := range []struct{ path, body string }{
		{"PUT /api/records/n::a", `{"n":4711}`},
		{"POST /api/write", `{"key":"n::b","value":{"n":4711}}`},
	} {
		method, path, _ := strings.Cut(c.path, " ")
		if a := f.ask(t, method, path, c.body, writes); a.StatusCode >= 300 || strings.Contains(a.body, "4711") {
			t.Errorf("%s answers %d %s", c.path, a.StatusCode, a.body)
		}
	}
	f.flush(t)
	f.ask(t, "GET", "/api/records/n::a", "", writes).expect(t, 403, "does not grant")
	f.ask(t, "GET", "/api/query?pattern=n::a", "", writes).expect(t, 403, "does not grant")
	f.ask(t, "GET", "/api/stream?pattern=n::a", "", writes).expect(t, 403, "does not grant")
	f.ask(t, "PUT", "/api/records/x.y.z", `{"n":1}`, writes).expect(t, 403, "denied")
	f.ask(t, "PUT", "/api/records/nothing", `{"n":1}`, writes).expect(t, 403, "denied")
	f.ask(t, "PUT", "/api/records/n::a", `{"n":1}`, reads).expect(t, 403, "denied")
	f.ask(t, "GET", "/api/records/n::a", "", reads).expect(t, 200, "4711")
	f.ask(t, "GET", "/api/records/n::b", "", reads).expect(t, 403, "does not grant")
	f.ask(t, "GET", "/api/records/none", "", reads).expect(t, 403, "does not grant")
	f.ask(t, "GET", "/api/query?pattern=n::*", "", reads).expect(t, 403, "does not grant")
	f.ask(t, "GET", "/api/query?pattern=n::a", "", reads).expect(t, 200, "4711")
	if a := f.ask(t, "GET", "/api/records", "", reads); strings.Contains(a.body, "n::b") || !strings.Contains(a.body, "n::a") {
		t.Errorf("it lists %s", a.body)
	}
}
