package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/history"
)

// shows waits until an element has exactly this text, where CLOCK is any time
// of the visitor's clock.
func shows(t *testing.T, browser context.Context, id, want string) {
	t.Helper()
	until(t, browser, id+" as "+want, fmt.Sprintf(
		`document.getElementById(%q).textContent.replace(/\d+ \w+ \d{4}, \d\d:\d\d:\d\d [^ ,]+?(?=[,.])/g, "CLOCK") === %q`, id, want))
}

// await evaluates a promise in the page.
func await(t *testing.T, browser context.Context, promise string) string {
	t.Helper()
	v, err := chromedp.Run(browser, chromedp.Evaluate[string](promise, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sixDays writes a file with the first six days of July 2025 in Graz.
func sixDays(t *testing.T) string {
	t.Helper()
	text := "time,city,temperature_c\n"
	for i := range 6 {
		text += fmt.Sprintf("2025-07-0%d,graz,%d\n", i+1, 20+i)
	}
	file := filepath.Join(t.TempDir(), "days.csv")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// One page stays open while one hub after another serves its address.
func TestPageSaysWhatIsTrue(t *testing.T) {
	t.Parallel()
	o := weather.Options{DataDir: t.TempDir(), Observations: sixDays(t), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}}
	browser := chromium(t)

	o.Steps, o.Pace = -1, time.Hour
	waiting := startWeather(t, o)
	openPage(t, browser, waiting)
	o.HTTP = waiting.addresses.HTTP
	shows(t, browser, "connection", "Connected")
	shows(t, browser, "production", "Playing recorded data: one step every 3600 s.")
	shows(t, browser, "notice", "There is nothing yet. The first validation appears when the hour of a forecast arrives.")

	waiting.end(t)
	shows(t, browser, "connection", "Disconnected, trying again…")
	shows(t, browser, "production", "Not connected to the hub: what you see may be out of date. No value has arrived.")
	shows(t, browser, "notice", "There is nothing to show until the hub can be reached.")

	o.Steps = 0
	empty := startWeather(t, o)
	shows(t, browser, "production", "Nothing is produced: the hub was started to serve history only. No value has arrived.")
	shows(t, browser, "notice", "There is nothing to show: history is empty and nothing is produced.")
	empty.end(t)

	o.Steps, o.Pace = 3, 10*time.Millisecond
	three := startWeather(t, o)
	shows(t, browser, "production", "Production has stopped: the hub has produced as many steps as it was started for. Last value for 3 Jul 2025.")
	shows(t, browser, "notice", "")
	three.end(t)
	shows(t, browser, "connection", "Disconnected, trying again…")
	shows(t, browser, "production", "Not connected to the hub: what you see may be out of date. Last value for 3 Jul 2025.")
	if got := read[string](t, browser, field("graz", "observed")); got != "3 Jul 2025" {
		t.Errorf("the temperature is said to be of %q, want its day", got)
	}

	o.Steps = -1
	startWeather(t, o)
	shows(t, browser, "production", "Production has stopped: this is the end of the recorded data. Last value for 6 Jul 2025.")
	shoot(t, browser, "page-ended.png")
}

// A page that was opened after production stopped knows from history of when the last value
// is, and history has it at that time.
func TestPageKnowsOfWhenTheLastValueIs(t *testing.T) {
	t.Parallel()
	o := weather.Options{DataDir: t.TempDir(), Observations: sixDays(t), AimX: []string{socket(t)}, Steps: 4}
	first := startWeather(t, o)
	c := dial(t, first.addresses.Gateways[0])
	awaitPhase(t, c, weather.Stopped)
	day := time.Date(2025, 7, 4, 0, 0, 0, 0, time.UTC).UnixMilli()
	rows, err := c.Query(t.Context(), "accuracy::graz", 9, history.Window{Start: &day, End: &day})
	if err != nil || len(rows) != 1 || rows[0].Time != day {
		t.Fatalf("%v, %v; want the row of that day", rows, err)
	}
	first.end(t)
	o.Steps, o.HTTP = 0, "127.0.0.1:0"
	browser := chromium(t)
	openPage(t, browser, startWeather(t, o))
	until(t, browser, "the city from history", cards+`.length === 1`)
	until(t, browser, "when the last value is", `document.getElementById("production").textContent.endsWith("Last value for 4 Jul 2025.")`)
}

// testStatus checks the sentences that a test cannot wait for.
func testStatus(t *testing.T, browser context.Context) {
	t.Helper()
	wrong := await(t, browser, `import("/status.js").then(({ status }) => {
		const wrong = [];
		const check = (what, got, want) => want.test(got) || wrong.push(what + ": " + got + ", want " + want);
		const up = { connection: "up", phase: "producing", pace: 200, filled: true, any: true, heard: 0, valid: 1, daily: true };
		check("a page that is not connected yet", status({ ...up, connection: "connecting" }).connection, /^Connecting…$/);
		check("a page that does not know the phase", status({ ...up, phase: "" }).production, /^$/);
		check("a hub that starts", status({ ...up, phase: "starting", now: 1e6 }).production, /^The hub is starting\.$/);
		check("a pause between two values", status({ ...up, now: 9_000 }).production, /every 0\.2 s\.$/);
		check("a silence", status({ ...up, now: 10_001 }).production, /nothing has arrived since 1 Jan 1970, .*Last value for 1 Jan 1970\.$/);
		check("a silence at a slow pace", status({ ...up, pace: 60_000, now: 179_000 }).production, /every 60 s\.$/);
		check("a longer one", status({ ...up, pace: 60_000, now: 180_001 }).production, /nothing has arrived since/);
		check("full speed", status({ ...up, pace: 0, now: 1 }).production, /at full speed\.$/);
		check("hours are written with the zone", status({ ...up, phase: "ended", daily: false }).production, /for 1 Jan 1970, 00:00 UTC\.$/);
		check("before history has answered", status({ ...up, any: false, filled: false }).notice, /^Reading history…$/);
		check("older history", status({ ...up, short: true }).reading, /^Reading older history…$/);
		check("older history without a connection", status({ ...up, short: true, connection: "lost" }).reading, /while disconnected\.$/);
		check("more history than the page holds", status({ ...up, full: true }).reading, /^The page holds the newest 25,000 validations of a city\.$/);
		check("enough history", status(up).reading, /^$/);
		check("history that cannot be read", status({ ...up, error: "out of order" }).notice, /could not read its history \(out of order\)/);
		return wrong.join("\n");
	})`)
	if wrong != "" {
		t.Errorf("the status of the page:\n%s", wrong)
	}
}
