package hub

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb"
)

// askedFrame is what a scripted server reads of a frame.
type askedFrame struct {
	T      string
	ID     int
	Method string
	From   *int
}

// hangUp is an answer of a scripted server that ends the connection.
const hangUp = "hang up"

// scripted starts a WebSocket server that answers each frame as answer says, and returns
// its URL.
func scripted(t *testing.T, answer func(askedFrame) []string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{"*"}})
		if err != nil {
			return // it asked for something else
		}
		defer func() { _ = socket.CloseNow() }()
		for { // until the page is gone
			_, text, err := socket.Read(r.Context())
			if err != nil {
				return
			}
			for _, frame := range answer(decoded[askedFrame](t, text)) {
				if frame == hangUp || socket.Write(r.Context(), websocket.MessageText, []byte(frame)) != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Without a server, a page waits between two attempts, whatever it asks for meanwhile, and
// what it asked for is answered when the server is there.
func TestBrowserWaitsBetweenAttempts(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	module := startClientHub(t)
	address := freeAddress(t)
	goTo(t, browser, "http://"+module.Addresses().HTTP+"/")
	await(t, browser, fmt.Sprintf(`import("/aimx.js").then(async ({ connect }) => {
		const a = globalThis.attempts = { dials: [], answers: 0, losses: [], errors: [] };
		globalThis.WebSocket = class extends WebSocket {
			constructor(url) { super(url); a.dials.push(performance.now()); }
		};
		const db = connect({ url: "http://%s/ws" });
		db.subscribe("n::a", { onLoss: (loss) => a.losses.push(loss), onState: (state, err) => err && a.errors.push(err.message) });
		for (const start = performance.now(); a.dials.length < 4 && performance.now() - start < 20_000;) {
			db.get("settings").then(() => a.answers++, () => {}); // each has 30 s
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return "";
	})`, address))
	gaps := read[[]float64](t, browser, `attempts.dials.slice(1).map((at, i) => at - attempts.dials[i])`)
	if len(gaps) < 3 {
		t.Errorf("the page tried %d times within 20 s", len(gaps)+1)
	}
	for i, gap := range gaps {
		if gap < 490 {
			t.Errorf("between attempts %d and %d are %.0f ms, want 500 or more", i+1, i+2, gap)
		}
	}
	startClientHub(t, aimdb.HTTP(address, nil))
	until(t, browser, "answers", `attempts.answers > 2`)
	if got := read[string](t, browser, `JSON.stringify([attempts.losses, attempts.errors])`); got != "[[],[]]" {
		t.Errorf("losses and errors of a page that had no connection before: %s", got)
	}
}

// A call that is not answered because the connection is lost is made again, but not one
// that sets a value.
func TestBrowserCallsOverACut(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	var asked atomic.Int64
	var setAgain atomic.Bool
	server := scripted(t, func(f askedFrame) []string {
		switch n := asked.Add(1); {
		case n == 1:
			return nil
		case n == 2: // the first connection has both calls
			return []string{hangUp}
		}
		if f.Method == "record.set" {
			setAgain.Store(true)
		}
		return []string{fmt.Sprintf(`{"t":"reply","id":%d,"ok":7}`, f.ID)}
	})
	goTo(t, browser, "http://"+startClientHub(t).Addresses().HTTP+"/")
	checks(t, browser, fmt.Sprintf(`
		const db = connect({ url: %q });
		const get = db.get("a");
		check("a call that sets", await failing(db.set("a", 1)), /^lost: record\.set a: .*look whether it is done/);
		check("a call that reads", await get, 7);`, server))
	if setAgain.Load() {
		t.Error("the value was set again")
	}
}

// A server that answers nonsense ends neither the page nor the subscription.
func TestBrowserSurvivesWrongAnswers(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	frames := []string{
		``, `nonsense`, `null`, `[]`, `"event"`, `7`, `{}`, `{"t":"event"}`, `{"t":"event","sub":7}`, `{"t":"reply"}`, `{"t":"reply","id":null}`,
		`{"t":"event","sub":"999","seq":1,"data":1}`, `{"t":"reply","id":999,"ok":1}`, `{"t":"unknown","sub":"1"}`, `{"t":"subscribed"}`,
		`{"t":"event","sub":"1","data":"without a number"}`, `{"t":"event","sub":"1","seq":"x","data":"with a wrong number"}`,
		`{"t":"subscribed","sub":"1"}`, `{"t":"event","sub":"1","seq":1,"topic":"a","data":"right"}`, `{"t":"event","sub":"1","seq":4,"data":"last"}`,
	}
	module := startClientHub(t)
	server := scripted(t, func(f askedFrame) []string {
		if f.From != nil {
			return []string{fmt.Sprintf(`{"t":"subscribed","sub":"%d"}`, f.ID)}
		}
		answers := make([]string, len(frames))
		for i, frame := range frames {
			answers[i] = strings.ReplaceAll(frame, `"sub":"1"`, fmt.Sprintf(`"sub":"%d"`, f.ID))
		}
		return answers
	})
	goTo(t, browser, "http://"+module.Addresses().HTTP+"/")
	checks(t, browser, fmt.Sprintf(`
		const errors = [];
		addEventListener("error", (event) => errors.push(event.message));
		const url = %q;
		const seen = [];
		await new Promise((resolve) => {
			const db = connect({ url });
			db.subscribe("a", {
				onLoss({ count, record }) { seen.push([count, record]) },
				onValue(value) { seen.push(value); if (value === "last") { db.close(); resolve(); } },
			});
		});
		check("what is right arrives", seen, ["right", [2, "a"], "last"]);
		check("a server of upstream cannot begin in the past", await closing(connect({ url }), "a", { from: 0 }), /^not_found: .*subscribe without from/);
		check("errors", errors, []);
	`, server))
}

// A connection that says nothing for 30 seconds and does not answer a ping within 10 is
// given up. The clock of the page runs 20 times as fast as ours.
func TestBrowserNoticesASilentServer(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	var pings atomic.Int64
	server := scripted(t, func(f askedFrame) []string {
		if f.T != "ping" {
			return []string{fmt.Sprintf(`{"t":"subscribed","sub":"%d"}`, f.ID)}
		}
		if pings.Add(1) > 2 {
			return nil
		}
		return []string{`{"t":"pong"}`}
	})
	goTo(t, browser, "http://"+startClientHub(t).Addresses().HTTP+"/")
	checks(t, browser, fmt.Sprintf(`
		const { now } = Date, interval = setInterval, start = now();
		Date.now = () => start + 20 * (now() - start);
		globalThis.setInterval = (act, ms) => interval(act, ms / 20);
		const states = [];
		await new Promise((resolve) => {
			const db = connect({ url: %q });
			db.subscribe("a", { onState(state) {
				states.push(state);
				if (states.length === 3) { db.close(); resolve(); }
			}});
		});
		check("states", states.slice(0, 3), ["open", "lost", "open"]);`, server))
	if n := pings.Load(); n != 3 {
		t.Errorf("%d pings, want 3: two answered, and one that is not", n)
	}
}
