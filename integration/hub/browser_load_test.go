package hub

import (
	"testing"
	"time"
)

// A page that gets 10,000 values a second still draws: they are handled one by one, and
// none is lost.
func TestBrowserKeepsDrawingUnderLoad(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	h := openCountingHub(t, t.TempDir())
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	// Each frame draws a number, as a page would. gaps are the ms between two frames.
	await(t, browser, `(() => {
		const gaps = globalThis.gaps = [];
		let before = performance.now();
		const draw = () => {
			const now = performance.now();
			gaps.push(now - before);
			before = now;
			document.title = globalThis.counting?.got["n::a"];
			requestAnimationFrame(draw);
		};
		requestAnimationFrame(draw);
		return Promise.resolve("");
	})()`)
	await(t, browser, counting)
	until(t, browser, "the subscription", `counting.caughtUp === 1`)
	read[int](t, browser, `gaps.length = 0`)
	started := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for since := time.Duration(0); since < 5*time.Second; since = time.Since(started) {
		for <-tick.C; h.last < int(since*5000/time.Second); { // of each of two records
			h.last++
			for _, r := range h.records {
				if err := r.Send(t.Context(), numbered{h.last}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	wrote := time.Since(started)
	counted(t, browser, h.want())
	longest, frames := read[float64](t, browser, `Math.max(...gaps)`), read[int](t, browser, `gaps.length`)
	t.Logf("%d values in %v, all there after %v; %d frames, the longest took %.0f ms", 2*h.last, wrote.Round(time.Millisecond), time.Since(started).Round(time.Millisecond), frames, longest)
	if longest > 2000 || frames < 10 {
		t.Errorf("the page was drawn %d times and once not for %.0f ms", frames, longest)
	}
	if cuts := read[string](t, browser, `counting.cuts + " " + counting.caughtUp`); cuts != "0 1" {
		t.Errorf("cuts and markers: %s, want 0 1", cuts)
	}
}
