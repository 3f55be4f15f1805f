package hub

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// eventSource is a script that reads n::* with the browser's own EventSource, which
// reconnects by itself, and checks that each record counts up from 1.
const eventSource = `(() => {
	const c = globalThis.counting = { got: {}, wrong: [], opened: 0, caughtUp: 0 };
	c.source = new EventSource("/api/stream?pattern=n::*&after=0");
	c.source.onopen = () => c.opened++;
	c.source.onmessage = (e) => {
		const { record, value, time, lost, loss } = JSON.parse(e.data);
		const want = (c.got[record] ?? 0) + 1;
		if (value.n !== want || lost || loss || !(time > 0) || !e.lastEventId) c.wrong.push(record + " " + value.n + " at " + e.lastEventId + ", want " + want);
		c.got[record] = value.n;
	};
	c.source.addEventListener("caught_up", () => c.caughtUp++);
	c.source.addEventListener("begin", (e) => { if (JSON.parse(e.data).reason) c.wrong.push(e.data) });
	c.source.addEventListener("problem", (e) => c.wrong.push(e.data));
	return Promise.resolve("");
})()`

// A page gets each value once and in order by nothing but EventSource, however often the
// server is killed.
func TestEventSourceResumesAfterKills(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	dir, address := t.TempDir(), freeAddress(t)
	c := startCounter(t, dir, address)
	goTo(t, browser, "http://"+address+"/")
	await(t, browser, eventSource)
	logged := 0
	for kills := range 4 {
		until(t, browser, "a stream", fmt.Sprintf(`counting.wrong.length || counting.opened > %d`, kills))
		<-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond) // the moment of the kill
		logged = c.kill(t)
		c = startCounter(t, dir, address)
	}
	until(t, browser, "the last stream", `counting.wrong.length || counting.opened === 5 && counting.source.readyState === EventSource.OPEN`)
	want := map[string]int{}
	for _, key := range counterKeys() {
		want[key] = logged + 2*burst // some of the last server too
	}
	counted(t, browser, want)
	c.kill(t)
}
