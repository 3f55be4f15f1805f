package hub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
)

// numbered is a value of a record that counts up: 1, 2, 3 and so on.
type numbered struct {
	N int `json:"n"`
}

func counterKeys() []string { return []string{"n::a", "n::b"} }

// countingHub is a hub whose records n::a and n::b count up.
type countingHub struct {
	*hub
	records []*aimdb.Record[numbered]
	last    int
}

func openCountingHub(t *testing.T, dir string, opts ...aimdb.Option) *countingHub {
	t.Helper()
	h := &countingHub{}
	h.hub = openHub(t, dir, func(db *aimdb.DB) {
		for _, key := range counterKeys() {
			h.records = append(h.records, mustRegister[numbered](t, db, key, aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless(aimdb.LogReader)))
		}
	}, append([]aimdb.Option{aimdb.HTTP("127.0.0.1:0", htmlPage("<title>empty</title>"))}, opts...)...)
	last, _ := h.records[0].Latest()
	h.last = last.N
	return h
}

// write counts each record up, and waits until history has it.
func (h *countingHub) write(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	for range n {
		h.last++
		for _, r := range h.records {
			if err := r.Send(ctx, numbered{h.last}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func (h *countingHub) want() map[string]int {
	return map[string]int{"n::a": h.last, "n::b": h.last}
}

// A page gets each value once and in order while its sockets are cut and values are
// written.
func TestBrowserResumesAfterCuts(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	h := openCountingHub(t, t.TempDir())
	proxy, err := tcpproxy.New(h.Addresses().HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Cut()
	h.write(t, t.Context(), 200)
	goTo(t, browser, "http://"+proxy.Address()+"/")
	await(t, browser, counting)
	counted(t, browser, h.want())
	until(t, browser, "the end of history", `counting.caughtUp === 1`)
	for range 6 {
		h.write(t, t.Context(), 300+rand.IntN(300)) // the page reads while it is written, and is cut anywhere
		proxy.Cut()
		until(t, browser, "that the connection is lost", `counting.sub.state === "lost"`)
		h.write(t, t.Context(), 300)
		if err := proxy.Join(); err != nil {
			t.Fatal(err)
		}
		until(t, browser, "the connection again", `counting.sub.state === "open"`)
	}
	h.write(t, t.Context(), 100)
	counted(t, browser, h.want())
	if cuts := read[int](t, browser, `counting.cuts`); cuts != 6 {
		t.Errorf("%d cuts were noticed, want 6", cuts)
	}
}

// The log does not reach back to a position: the page is told so, and gets what follows
// from the history.
func TestBrowserFallsBackToTheHistory(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	for name, c := range map[string]struct {
		lose func(dir string) []aimdb.Option
		want string
	}{
		"log deleted": {func(dir string) []aimdb.Option {
			if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
				t.Fatal(err)
			}
			return nil
		}, "another log"},
		"log discarded": {func(string) []aimdb.Option { return []aimdb.Option{aimdb.LogLimits(time.Hour, 16<<10)} }, "has discarded"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h := openCountingHub(t, dir)
			h.write(t, t.Context(), 50)
			goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
			await(t, browser, counting)
			counted(t, browser, h.want())
			kept := read[string](t, browser, `counting.positions.at(-1)`) // of value 1
			h.stop()
			h = openCountingHub(t, dir, c.lose(dir)...)
			for range 90 { // the log holds more than that, so the history gets all
				h.write(t, t.Context(), 10)
			}
			goTo(t, browser, "http://"+h.Addresses().HTTP+"/") // the page that kept the position is gone
			await(t, browser, fmt.Sprintf(`import("/aimx.js").then(({ connect }) => {
				const again = globalThis.again = { got: new Set(), losses: [] };
				connect().subscribe("n::*", { from: %q,
					onValue: (value, { record }) => again.got.add(record + value.n),
					onLoss: (loss) => again.losses.push(loss),
				});
				return "";
			})`, kept))
			until(t, browser, "all values after the position", fmt.Sprintf(`["n::a", "n::b"].every((record) => {
				for (let n = 2; n <= %d; n++) if (!again.got.has(record + n)) return false;
				return true;
			})`, h.last))
			if told := read[string](t, browser, `JSON.stringify(again.losses)`); !strings.Contains(told, c.want) ||
				!read[bool](t, browser, `again.losses.length === 1 && again.losses[0].again > 0 && again.losses[0].again < Date.now()`) {
				t.Errorf("the page was told %s, want one loss with %q and a time", told, c.want)
			}
			h.stop()
		})
	}
}
