package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
)

// choose picks an option of a list of the page, and waits until the page has drawn it.
func choose(t *testing.T, browser context.Context, id, value string) {
	t.Helper()
	read[bool](t, browser, fmt.Sprintf(`(() => {
		const list = document.getElementById(%q);
		list.value = %q;
		delete list.dataset.drawn;
		const taken = list.dispatchEvent(new Event("change", { bubbles: true }));
		requestAnimationFrame(() => { list.dataset.drawn = "yes"; });
		return taken;
	})()`, id, value))
	until(t, browser, "the frame after the choice of "+value, fmt.Sprintf(`document.getElementById(%q).dataset.drawn`, id))
}

// chosen is what the lists of the page show.
func chosen(t *testing.T, browser context.Context) string {
	t.Helper()
	return read[string](t, browser, `["lead", "days"].map((id) => document.getElementById(id).value).join()`)
}

func TestPageShowsOneLeadTimeAndTheChosenRange(t *testing.T) {
	t.Parallel()
	h, c := startHourly(t)
	browser := chromium(t)
	openPage(t, browser, h)
	until(t, browser, "all cities from history", cards+`.length === 3`)
	if got := chosen(t, browser); got != "24,30" {
		t.Errorf("the page starts with %s, want 24 h ahead and 30 days", got)
	}
	stored := map[string][]weather.ForecastValidation{}
	for _, city := range []string{"graz", "linz", "wels"} {
		stored[city] = validations(t, c, city)
	}
	end := time.Date(2025, 7, hourlyDays, 23, 0, 0, 0, time.UTC) // the last hour observed
	for _, choice := range []struct {
		lead string
		days string
	}{{"24", "30"}, {"24", "7"}, {"3", "7"}, {"3", "all"}, {"1", "90"}} {
		choose(t, browser, "lead", choice.lead)
		choose(t, browser, "days", choice.days)
		lead, err := strconv.Atoi(choice.lead)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Time{}
		if days, err := strconv.Atoi(choice.days); err == nil {
			from = end.AddDate(0, 0, -days)
		}
		for _, city := range []string{"graz", "linz", "wels"} {
			want := selected(stored[city], lead, from)
			until(t, browser, fmt.Sprintf("%s, %s h ahead, %s days: %d validations", city, choice.lead, choice.days, len(want)),
				fmt.Sprintf(`%s === "%d"`, field(city, "count"), len(want)))
			if got := read[string](t, browser, field(city, "mae")); got != meanAbsoluteError(want) {
				t.Errorf("%s, %s h ahead, %s days: the mean absolute error is %s, want %s", city, choice.lead, choice.days, got, meanAbsoluteError(want))
			}
			if n := marks(t, browser, city, "inside") + marks(t, browser, city, "outside"); n != len(want) {
				t.Errorf("%s, %s h ahead, %s days: %d marks, want %d", city, choice.lead, choice.days, n, len(want))
			}
			last := want[len(want)-1]
			if got := read[string](t, browser, field(city, "forecast")); got != fmt.Sprintf("%.1f °C", last.ForecastCelsius) {
				t.Errorf("%s, %s h ahead: the newest forecast is %s, want %.1f °C", city, choice.lead, got, last.ForecastCelsius)
			}
		}
	}

	choose(t, browser, "lead", "2")
	until(t, browser, "that a city has no such lead", field("linz", "when")+` === "Not forecast 2 h ahead, but 1, 3, 6, 12, 24 h."`)
	if got := read[string](t, browser, field("linz", "mae")); got != "–" {
		t.Errorf("without such a lead the mean absolute error is %s, want none", got)
	}
	if err := chromedp.Do(browser, chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	until(t, browser, "the page again", cards+`.length === 2`)
	if got := chosen(t, browser); got != "2,90" {
		t.Errorf("loaded again the page shows %s, want what was chosen", got)
	}
}

func TestPagePlotsHaveOneScale(t *testing.T) {
	t.Parallel()
	h, _ := startHourly(t)
	browser := chromium(t)
	openPage(t, browser, h)
	until(t, browser, "all cities from history", cards+`.length === 3`)
	// At 24 h the largest error is the 12 °C of wels. At 3 h it is 1.5 °C, less
	// than the tolerance.
	for lead, want := range map[string]string{"24": "0 +5 −5 +10 −10 +15 −15", "3": "0 +1 −1 +2 −2 +3 −3"} {
		choose(t, browser, "lead", lead)
		until(t, browser, "the scale of "+lead+" h", fmt.Sprintf(`%q === [...document.querySelectorAll('[data-city="graz"] .errors text.value')].map((e) => e.textContent).join(" ")`, want))
		for _, class := range []string{".errors .value", ".means .value", ".time"} {
			scales := read[[]string](t, browser, fmt.Sprintf(`[...new Set([...document.querySelectorAll(".plot")].map((plot) =>
				[...plot.querySelectorAll("%s")].map((e) => e.textContent + " at " + e.getAttribute("x") + "," + e.getAttribute("y")).join(", ")))]`, class))
			if len(scales) != 1 || scales[0] == "" {
				t.Errorf("%s h ahead: the plots have the ticks %s %q, want the same for all", lead, class, scales)
			}
		}
	}
}

// A page that was cut off for longer than one query reaches back has all rows: it
// continues after its last one, or reads history again if the log does not reach back.
func TestPageHasNoHoleAfterALongPause(t *testing.T) {
	t.Parallel()
	t.Run("log kept", func(t *testing.T) { testLongPause(t, false, "1") })
	t.Run("log lost", func(t *testing.T) { testLongPause(t, true, "2") })
}

func testLongPause(t *testing.T, loseLog bool, filled string) {
	t.Helper()
	o := weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: 101}
	first := startWeather(t, o)
	awaitPhase(t, dial(t, first.addresses.Gateways[0]), weather.Stopped)
	browser := chromium(t)
	openPage(t, browser, first)
	until(t, browser, "the first rows", cards+`.length === 2 && `+cards+`.every((c) => c.dataset.rows === "100")`)
	o.HTTP = first.addresses.HTTP
	first.end(t)

	unseen := o
	unseen.HTTP, unseen.Steps = "off", 900
	second := startWeather(t, unseen)
	awaitPhase(t, dial(t, second.addresses.Gateways[0]), weather.Stopped)
	second.end(t)
	if loseLog {
		if err := os.RemoveAll(filepath.Join(o.DataDir, "log")); err != nil {
			t.Fatal(err)
		}
	}

	o.Steps = 0
	startWeather(t, o)
	until(t, browser, "all rows", cards+`.length === 2 && `+cards+`.every((c) => c.dataset.rows === "1000")`)
	if n := read[string](t, browser, `document.body.dataset.filled`); n != filled {
		t.Errorf("the page asked for the newest rows %s times, want %s", n, filled)
	}
}

// A page whose connection is cut while the hub produces has each validation once, and does
// not read history again.
func TestPageContinuesAfterCuts(t *testing.T) {
	t.Parallel()
	h := startWeather(t, weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Pace: 20 * time.Millisecond, Steps: 401})
	proxy, err := tcpproxy.New(h.addresses.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Cut()
	browser := chromium(t)
	goTo(t, browser, "http://"+proxy.Address()+"/")
	for range 3 {
		until(t, browser, "the connection and values", `document.body.dataset.connection === "up" && `+cards+`.length === 2`)
		proxy.Cut()
		until(t, browser, "that the connection is lost", `document.body.dataset.connection === "lost"`)
		if err := proxy.Join(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, browser, "all that was produced", cards+`.length === 2 && `+cards+`.every((c) => c.dataset.rows === "400")`)
	if n := read[string](t, browser, `document.body.dataset.filled`); n != "1" {
		t.Errorf("the page asked for the newest rows %s times, want once", n)
	}
}

// testStore checks how far back the page reads, against a history that answers
// like record.query.
func testStore(t *testing.T, browser context.Context) {
	t.Helper()
	wrong := await(t, browser, `Promise.all([import("/store.js"), import("/model.js")]).then(async ([{ Store }, { most }]) => {
		const wrong = [];
		const check = (what, got, want) => JSON.stringify(got) === JSON.stringify(want) || wrong.push(what + ": " + JSON.stringify(got) + ", want " + JSON.stringify(want));
		const at = (hour) => ({ source: "x", forecast_celsius: 1, actual_celsius: 1, error_celsius: 0, absolute_error: 0, lead_hours: 1,
			valid_at: new Date(hour * 36e5).toISOString(), issued_at: new Date((hour - 1) * 36e5).toISOString() });
		let rows = 3000;
		const asked = [];
		const store = new Store(async (name, limit) => {
			asked.push(name + " " + limit);
			return Array.from({ length: Math.min(limit, rows) }, (_, i) => ({ record: "accuracy::graz", value: at(rows - Math.min(limit, rows) + i) }));
		});
		const oldest = () => store.of("graz").rows[0].valid / 36e5;
		await store.refresh();
		check("the first rows", [asked.splice(0), oldest(), store.short], [["accuracy::* 500"], 2500, false]);
		await store.reach(2600 * 36e5, () => {});
		check("what is there is not read again", asked.splice(0), []);
		let steps = 0;
		await store.reach(1500 * 36e5, () => steps++);
		check("older rows", [asked.splice(0), oldest(), steps, store.short], [["accuracy::graz 2000"], 1000, 1, false]);
		await store.reach(-Infinity, () => {});
		check("all rows", [asked.splice(0), oldest(), store.short, store.full], [["accuracy::graz 8000"], 0, false, false]);
		await store.reach(-Infinity, () => {});
		check("the end of history is known", asked.splice(0), []);
		rows = 2 * most;
		await store.refresh();
		check("what was held before is gone", store.of("graz").rows.length, 500);
		await store.reach(-Infinity, () => {});
		check("no more than the page holds", [asked.at(-1), store.of("graz").rows.length, store.full], ["accuracy::graz " + most, most, true]);
		return wrong.join("\n");
	})`)
	if wrong != "" {
		t.Errorf("the store of the page:\n%s", wrong)
	}
}
