package hub

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/internal/needed"
)

// chromium starts a browser without a window, and ends it with the test.
func chromium(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		needed.Missing(t, "Chromium (Debian package chromium): %v", err)
	}
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(append(more,
		chromedp.ExecPath(path),
		chromedp.Env("TMPDIR="+shortDir(t)), // it leaves a lock there
		chromedp.UserDataDir(shortDir(t)),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	)...))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// look sets the width of the window in pixels and the colour scheme.
func look(t *testing.T, ctx context.Context, width int64, scheme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	err := chromedp.Do(ctx,
		chromedp.EmulateViewport(width, 900, chromedp.EmulateScale(1.5)),
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
}

// read evaluates an expression in the page.
func read[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("reading %s: %v", expression, err)
	}
	return v
}

// until waits for an expression in the page to hold. The page's policy keeps
// the browser's own polling out, as that needs eval.
func until(t *testing.T, ctx context.Context, what, expression string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if read[bool](t, ctx, "Boolean("+expression+")") {
			return
		}
	}
	t.Fatalf("the page never had: %s\nit has: %s", what, read[string](t, ctx, "document.body.innerText"))
}

// shoot keeps a picture of the whole page as an artefact.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "artifacts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// cards are the cities whose panel shows values.
const cards = `[...document.querySelectorAll('.card[data-state="filled"]')]`

// field reads a field of a city's card, with plain spaces.
func field(city, name string) string {
	return fmt.Sprintf(`document.querySelector('[data-city="%s"] [data-field="%s"]').textContent.replaceAll("\u00a0", " ")`, city, name)
}

// marks counts the marks of a class in the plot of a city: a dot is one stroke,
// a cross two.
func marks(t *testing.T, browser context.Context, city, class string) int {
	t.Helper()
	strokes := read[int](t, browser, fmt.Sprintf(`document.querySelector('[data-city="%s"] .%s').getAttribute("d").split("M").length - 1`, city, class))
	if class == "outside" {
		return strokes / 2
	}
	return strokes
}

// testModel checks the page's model, which touches no document, where it runs.
func testModel(t *testing.T, browser context.Context) {
	t.Helper()
	const script = `Promise.all(["model", "score", "text"].map((m) => import("/" + m + ".js"))).then(([{ History, cityOf, most }, { baselines, means, scores, series, verdict }, { nameOf, celsius, signed, moment }]) => {
		const at = (hour, lead, error, more) => ({
			source: "x", forecast_celsius: 10 + error, actual_celsius: 10, error_celsius: error, absolute_error: Math.abs(error), lead_hours: lead,
			within_tolerance: Math.abs(error) <= 2, valid_at: new Date(hour * 36e5).toISOString(), issued_at: new Date((hour - lead) * 36e5).toISOString(), ...more });
		const wrong = [];
		const check = (what, got, want) => JSON.stringify(got) === JSON.stringify(want) || wrong.push(what + ": " + JSON.stringify(got) + ", want " + JSON.stringify(want));
		const h = new History();
		check("the first rows are new", h.add([at(5, 1, 3), at(4, 1, -1)]), true);
		check("the same again is not", h.add([at(5, 1, 3), at(4, 1, -1)]), false);
		check("nor is what cannot be read", h.add([null, 7, {}, at(6, 1, 0, { actual_celsius: null }), at(6, 1, 0, { valid_at: "soon" })]), false);
		check("an older one with a longer lead is", h.add([at(5, 6, 1)]), true);
		check("rows are in the order of time, the freshest forecast last", h.rows.map((v) => v.error_celsius), [-1, 1, 3]);
		check("the latest", h.latest().error_celsius, 3);
		check("scores", scores(h.rows, 2), { count: 3, mae: 5 / 3, share: 2 / 3 });
		check("the share at another tolerance", scores(h.rows, 1).share, 2 / 3);
		check("the share at a tolerance as large as an error", scores(h.rows, 3).share, 1);
		check("means", means(h.rows, 4 * 36e5, 5 * 36e5, (v) => v.error_celsius).map(({ valid, mean }) => [valid, mean]), [[4 * 36e5, -1], [5 * 36e5, 2]]);
		check("one lead time", [h.of(1), h.of(6), h.of(2)].map((rows) => rows.map((v) => v.error_celsius)), [[-1, 3], [1], []]);
		const days = new History();
		days.add([at(0, 1, 0), at(24, 1, 3, { actual_celsius: 12 }), at(30, 1, 1), at(48, 1, -1, { actual_celsius: 11.9 })]);
		const based = baselines(days.rows, (v) => days.baseline(v));
		check("baselines", based.map((b) => [b.valid / 36e5, b.error_celsius, b.absolute_error]), [[24, -2, 2], [48, 0.1, 0.1]]);
		days.add([at(72, 1, 0, { source: "persistence-24h" })]);
		const shown = series(days, days.rows, { from: 24 * 36e5, to: 72 * 36e5 });
		check("a series", [shown.rows.length, shown.based.length, shown.mae.length, shown.baselineMAE.length], [4, 2, 4, 2]);
		check("no series", series(days, [], undefined), { rows: [], based: [], mean: [], mae: [], baselineMAE: [] });
		check("worse", verdict(based), "90\u00a0% worse than the baseline");
		const of = (forecast, baseline) => [{ forecast: { absolute_error: forecast }, absolute_error: baseline }];
		check("better", verdict(of(1, 4)), "75\u00a0% better than the baseline");
		check("equal", [verdict(of(2, 2)), verdict(of(0, 0))], Array(2).fill("As good as the baseline"));
		check("a perfect baseline", verdict(of(1, 0)), "Worse than the baseline, which had no error");
		check("no baseline", verdict([]), "No comparison with the baseline yet");
		check("nothing has no scores", scores([], 2), undefined);
		const long = new History();
		long.add(Array.from({ length: most }, (_, i) => at(i, 1, 1)));
		for (let i = 0; i < 10; i++) long.add([at(most + i, 1, 1)]);
		check("old rows go", [long.rows.length, long.rows[0].valid], [most, 10 * 36e5]);
		check("city", [cityOf("accuracy::new_york"), nameOf("new_york")], ["new_york", "New York"]);
		check("zero has no sign", [celsius(-0.04), signed(-0.04), signed(0.04), signed(-1.25)], ["0.0\u00a0°C", "0.0\u00a0°C", "0.0\u00a0°C", "−1.3\u00a0°C"]);
		check("times of the data", [moment(0, true), moment(36e5, false)], ["1 Jan 1970", "1 Jan 1970, 01:00 UTC"]);
		return wrong.join("\n");
	})`
	wrong, err := chromedp.Run(browser, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if wrong != "" {
		t.Errorf("the model of the page:\n%s", wrong)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	dir := t.TempDir()
	first := startWeather(t, weather.Options{DataDir: dir, AimX: []string{socket(t)}, Steps: 400})
	awaitPhase(t, dial(t, first.addresses.Gateways[0]), weather.Stopped)
	first.end(t)

	// History alone fills the panel.
	silent := startWeather(t, weather.Options{DataDir: dir, HTTP: "127.0.0.1:0", Steps: 0})
	address := silent.addresses.HTTP
	look(t, browser, 1280, "light")
	if err := chromedp.Do(browser, chromedp.Navigate("http://"+address+"/")); err != nil {
		t.Fatal(err)
	}
	until(t, browser, "both cities from history", cards+`.length === 2 && document.body.dataset.filled === "1"`)
	for _, city := range []string{"new_york", "seattle"} {
		for _, name := range []string{"forecast", "actual", "error", "share", "mae"} {
			if text := read[string](t, browser, field(city, name)); text == "" || text == "–" {
				t.Errorf("%s shows %q as %s, want a value", city, text, name)
			}
		}
		if n := read[string](t, browser, field(city, "count")); n != "399" {
			t.Errorf("%s shows %s validations, want the 399 of 400 days", city, n)
		}
		if n := marks(t, browser, city, "inside") + marks(t, browser, city, "outside"); n != 399 {
			t.Errorf("the plot of %s has %d marks, want 399", city, n)
		}
	}
	testModel(t, browser)
	testStatus(t, browser)
	testAxis(t, browser)
	testStore(t, browser)
	until(t, browser, "the source of the data", `document.getElementById("origins").textContent.includes("NOAA")`)
	shoot(t, browser, "page-light.png")
	look(t, browser, 390, "dark")
	if over := read[int](t, browser, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("on a phone the page is %d pixels too wide", over)
	}
	shoot(t, browser, "page-phone-dark.png")
	if n := read[string](t, browser, `document.body.dataset.filled`); n != "1" {
		t.Errorf("the page asked history %s times, want once", n)
	}
	silent.end(t)
	until(t, browser, "that the connection is lost", `document.body.dataset.connection === "lost"`)

	// The server comes back, and now it produces: the page recovers by itself,
	// and changes.
	startWeather(t, weather.Options{DataDir: dir, HTTP: address, AimX: []string{socket(t)}, Pace: 50 * time.Millisecond, Steps: 60})
	until(t, browser, "that the connection is up again", `document.body.dataset.connection === "up"`)
	until(t, browser, "live temperatures", `document.querySelector('[data-city="seattle"]').dataset.temperatureAt`)
	// The last of 60 more days is 2013-04-04; 459 validations without a gap or
	// a duplicate, whatever came live and whatever from history.
	until(t, browser, "all that was produced since", cards+`.every(c => c.dataset.rows === "459" && c.dataset.validAt.startsWith("2013-04-04"))`)
	if n := read[string](t, browser, `document.body.dataset.filled`); n != "1" {
		t.Errorf("the page asked history %s times, want once: it continues after its last value", n)
	}
	look(t, browser, 1280, "light")
	until(t, browser, "the phase of the hub", `document.body.dataset.phase === "stopped"`)
	shoot(t, browser, "page-live.png")
}
