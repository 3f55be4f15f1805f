package hub

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb"
)

func TestBrowserTokens(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	h := startClientHub(t, aimdb.Tokens(aimdb.Token{Token: "of a reader", Read: []string{"n::*"}}))
	h.write(t, t.Context(), 3)
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	checks(t, browser, `
		const reader = connect({ token: "of a reader" });
		check("a token", await reader.get("n::a"), { n: 3 });
		check("what it does not grant", await failing(reader.get("settings")), /^denied: record\.get settings: the token .* does not grant/);
		check("a subscription that it does not grant", await closing(reader, "#"), /^denied: subscribe #: the token .* narrower pattern/);
		const stranger = connect({ token: "wrong" });
		const call = failing(stranger.get("n::a"));
		check("a wrong token ends subscriptions", await closing(stranger, "n::*", { from: 0 }), /^denied: connect to 127\.0\.0\.1:\d+: the token, or the name or password, is unknown; ask/);
		check("and calls", await call, /^denied: connect to .* the token, .* is unknown/);
		check("for good", await failing(stranger.get("n::a")), /^denied: .*unknown/);
		check("no token", await failing(connect().get("n::a")), /^denied: record\.get n::a: .*present one/);
		check("no token for a subscription", await closing(connect(), "n::a"), /^denied: subscribe n::a: .*present one/);
	`)
}

// A page of another host imports the module and connects if it is in Origins. Otherwise it
// learns why not.
func TestBrowserOrigins(t *testing.T) {
	t.Parallel()
	browser := chromium(t, chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"))
	page := httptest.NewServer(htmlPage("<title>elsewhere</title>"))
	defer page.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(page.URL, "http://"), ":")
	closed, open := startClientHub(t), startClientHub(t, aimdb.Origins("page.test:*"))
	for _, h := range []*countingHub{closed, open} {
		h.write(t, t.Context(), 3)
	}
	goTo(t, browser, "http://page.test:"+port+"/")
	imported := await(t, browser, fmt.Sprintf(`import("http://%s/aimx.js").then(() => "imported", (err) => err.name)`, closed.Addresses().HTTP))
	if imported != "TypeError" {
		t.Errorf("from a server that does not admit this page, the module is %s", imported)
	}
	read[bool](t, browser, fmt.Sprintf(`(() => { globalThis.moduleURL = "http://%s/aimx.js"; return true })()`, open.Addresses().HTTP))
	checks(t, browser, `
		check("the server of the module is the default", await connect().get("n::a"), { n: 3 });`)
	checks(t, browser, fmt.Sprintf(`
		check("the other server", await new Promise((resolve) => {
			connect({ url: "ws://%s/ws" }).subscribe("n::a", { onState: (state, err) => err && resolve(state + " " + err.code + ": " + err.message) });
		}), /^lost denied: connect to .*: the server runs and refuses the WebSocket; add page\.test:\d+ to its Origins/);`, closed.Addresses().HTTP))
}
