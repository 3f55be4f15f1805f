package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// begin is the time of the first rows, in Unix seconds: three days ago, which the hub keeps.
var begin = int(time.Now().Add(-72*time.Hour).Unix() / 3600 * 3600)

// minutes are the rows of two cities for some hours, a minute and some milliseconds apart,
// with gaps and with rows that hold no number.
func minutes() []history.Row {
	var rows []history.Row
	for n := range 600 {
		at := int64(begin+n*60)*1000 + 7_123
		if n%97 > 90 {
			continue // longer than the lookback
		}
		value := fmt.Sprintf(`{"actual_celsius":%g,"forecast_celsius":%d}`, 10+8*math.Sin(float64(n)/60), n%7)
		switch n % 50 {
		case 20:
			value = `{"actual_celsius":null,"forecast_celsius":"x"}`
		case 30:
			value = `{}`
		}
		rows = append(rows, history.Row{Record: "accuracy::seattle", Time: at, Value: []byte(value)})
		if n%2 == 0 {
			rows = append(rows, history.Row{Record: "accuracy::new_york", Time: at + 1, Value: fmt.Appendf(nil, `{"actual_celsius":%d}`, n/10)})
		}
	}
	return rows
}

func each(rows []history.Row) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// TestPromtool asks a hub through the adapter with the tool of Debian.
func TestPromtool(t *testing.T) {
	promtool := tool(t, "promtool")
	server := startAdapter(t, "-connect", startHub(t, shortDir(t), each(minutes())))
	at, next := strconv.Itoa(begin+600), strconv.Itoa(begin+660)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"query", "instant", server, "1+1", "--time=" + at}, "scalar: 2 @[" + at + "]\n"},
		{[]string{"query", "instant", server, `weather_actual_celsius{city="new_york"}`, "--time=" + at}, `weather_actual_celsius{city="new_york"} => 0 @[` + at + "]\n"},
		{[]string{"query", "range", server, `sum by (city) (count_over_time(weather_forecast_celsius[10m]))`, "--start=" + at, "--end=" + next, "--step=1m"},
			`{city="seattle"} =>` + "\n10 @[" + at + "]\n10 @[" + next + "]\n"},
		{[]string{"query", "series", "--match=weather_actual_celsius", server}, "{__name__=\"weather_actual_celsius\", city=\"new_york\"}\n{__name__=\"weather_actual_celsius\", city=\"seattle\"}\n"},
		{[]string{"query", "labels", server, "city"}, "new_york\nseattle\n"},
	} {
		if got := output(t, promtool, c.args...); got != c.want {
			t.Errorf("promtool %s:\n%s\nwant\n%s", strings.Join(c.args, " "), got, c.want)
		}
	}
}

// TestAnswersAreThoseOfPrometheus gives the same samples to a real Prometheus and compares
// what both answer, from the hub and from the file. Debian's Prometheus is of version 2: a
// range there has its begin too, so no sample and no step of a subquery is at one, and rate
// extrapolates another way.
func TestAnswersAreThoseOfPrometheus(t *testing.T) {
	promtool, prometheus := tool(t, "promtool"), tool(t, "prometheus")
	dir := shortDir(t)
	text := filepath.Join(dir, "samples")
	if err := os.WriteFile(text, exposed(t, minutes()), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, promtool, "tsdb", "create-blocks-from", "openmetrics", text, filepath.Join(dir, "data"))
	real := startPrometheus(t, prometheus, dir, "{}")
	hub := filepath.Join(dir, "hub")
	sources := map[string]string{
		"hub":  startAdapter(t, "-connect", startHub(t, hub, each(minutes()))),
		"file": startAdapter(t, "-history", filepath.Join(hub, "history.db")),
	}
	for _, query := range []string{
		`weather_actual_celsius`, `{__name__=~"weather.*", city!="seattle"}`, `weather_actual_celsius{city=~"s.*|x"} offset 7m`,
		`delta(weather_actual_celsius[5m])`, `avg_over_time(weather_actual_celsius[29m59s:1m])`, `sum without (city) (weather_actual_celsius)`,
		`max_over_time(weather_actual_celsius[1h]) - min_over_time(weather_actual_celsius[1h])`, `absent(weather_actual_celsius{city="seattle"})`,
		`weather_actual_celsius > on (city) weather_forecast_celsius`, `changes(weather_forecast_celsius[20m])`, `topk(1, weather_actual_celsius)`,
		`histogram_quantile(0.5, weather_actual_celsius)`, `quantile_over_time(0.9, weather_actual_celsius[1h])`, `deriv(weather_actual_celsius[15m])`,
		`predict_linear(weather_actual_celsius[30m], 600)`, `timestamp(weather_actual_celsius)`, `label_replace(weather_actual_celsius, "c", "$1", "city", "(.).*")`,
		`weather_actual_celsius @ end()`, `count(weather_actual_celsius) or vector(0)`, `stddev_over_time(weather_actual_celsius[2h])`, `none`,
		`resets(weather_forecast_celsius[1h])`, `last_over_time(weather_forecast_celsius[3m])`, `time() - timestamp(weather_forecast_celsius)`, `weather_actual_celsius[10m]`,
	} {
		for _, step := range []string{"60", "300"} {
			ranged := url.Values{"query": {query}, "start": {strconv.Itoa(begin - 600)}, "end": {strconv.Itoa(begin + 40_000)}, "step": {step}}
			path := "/api/v1/query_range"
			if strings.HasSuffix(query, "]") { // a matrix can be asked for at one time only
				ranged, path = url.Values{"query": {query}, "time": {strconv.Itoa(begin + 6000)}}, "/api/v1/query"
			}
			want := decoded(t, get(t, real, path, ranged))
			for name, server := range sources {
				if got := decoded(t, get(t, server, path, ranged)); !reflect.DeepEqual(got, want) {
					t.Errorf("%s of the %s, step %s:\n%.600v\nwant\n%.600v", query, name, step, got, want)
				}
			}
		}
	}
}

// decoded returns the data of an answer. Numbers are rounded, since versions of the engine
// add them up in another order.
func decoded(t *testing.T, body string) any {
	t.Helper()
	var answer struct{ Data any }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	return rounded(answer.Data)
}

func rounded(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = rounded(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = rounded(v[name])
		}
	case string:
		if number, err := strconv.ParseFloat(v, 64); err == nil {
			return strconv.FormatFloat(number, 'e', 8, 64)
		}
	}
	return v
}

// exposed writes rows as promtool reads them.
func exposed(t *testing.T, rows []history.Row) []byte {
	t.Helper()
	var text []byte
	for _, name := range []string{"actual_celsius", "forecast_celsius"} {
		text = append(text, "# TYPE weather_"+name+" gauge\n"...)
		for _, row := range rows {
			var value map[string]any
			if err := json.Unmarshal(row.Value, &value); err != nil {
				t.Fatal(err)
			}
			if number, ok := value[name].(float64); ok {
				text = fmt.Appendf(text, "weather_%s{city=%q} %v %.3f\n", name, strings.TrimPrefix(row.Record, "accuracy::"), number, float64(row.Time)/1000)
			}
		}
	}
	return append(text, "# EOF\n"...)
}

// startPrometheus runs a Prometheus with its data and configuration in a directory, and
// returns its URL.
func startPrometheus(t *testing.T, prometheus, dir, config string) string {
	t.Helper()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	listener := freeAddress(t)
	child(t, prometheus, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=100y",
		"--web.listen-address="+listener, "--query.lookback-delta=5m").await(t, `(Server is ready to receive web requests)`)
	return "http://" + listener
}

// TestPrometheusReadsByFederation lets a real Prometheus scrape the adapter.
func TestPrometheusReadsByFederation(t *testing.T) {
	prometheus := tool(t, "prometheus")
	dir := shortDir(t)
	now := time.Now().UnixMilli()
	fresh := []history.Row{
		{Record: "accuracy::seattle", Time: now - 2000, Value: []byte(`{"actual_celsius":1}`)},
		{Record: "accuracy::seattle", Time: now - 1000, Value: []byte(`{"actual_celsius":21.5}`)},
	}
	server := startAdapter(t, "-connect", startHub(t, filepath.Join(dir, "hub"), each(fresh)))
	real := startPrometheus(t, prometheus, dir, fmt.Sprintf(`scrape_configs:
  - {job_name: aimdb, honor_labels: true, metrics_path: /federate, scrape_interval: 1s, params: {"match[]": ['{__name__=~"weather.+"}']}, static_configs: [{targets: [%q]}]}
`, strings.TrimPrefix(server, "http://")))
	want := fmt.Sprintf("[%.3f 21.5]", float64(now-1000)/1000)
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		var answer struct {
			Data struct {
				Result []struct{ Values [][2]any }
			}
		}
		body := get(t, real, "/api/v1/query", url.Values{"query": {`weather_actual_celsius{city="seattle"}[10m]`}})
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if r := answer.Data.Result; len(r) == 1 {
			if last := r[0].Values[0]; fmt.Sprintf("[%.3f %s]", last[0], last[1]) != want {
				t.Errorf("it has %s, want %s", body, want)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus has no sample; it has %s", get(t, real, "/api/v1/query", url.Values{"query": {"up"}}))
		}
	}
}

// TestGrafana makes the requests that the data source of Grafana makes: the check of its
// settings, what it finds out about the server, and what the editor of queries asks for.
func TestGrafana(t *testing.T) {
	server := startAdapter(t, "-connect", startHub(t, shortDir(t), each(minutes())))
	from, to := strconv.Itoa(begin), strconv.Itoa(begin+36_000)
	window := "start=" + from + "&end=" + to
	selector := url.QueryEscape(`{__name__="weather_actual_celsius"}`)
	for _, c := range []struct{ path, form, want string }{
		{"/api/v1/query", "query=1%2B1&time=" + to, `{"resultType":"scalar","result":[` + to + `,"2"]}`},
		{"/api/v1/status/buildinfo", "", `"version":"3.16.0"`},
		{"/api/v1/metadata?limit=40000", "", `"weather_actual_celsius":[{"type":"gauge","help":"Temperature that was observed.","unit":"celsius"}]`},
		{"/api/v1/labels?" + window, "", `["__name__","city"]`},
		{"/api/v1/labels", window + "&match[]=" + selector, `["__name__","city"]`},
		{"/api/v1/label/__name__/values?" + window, "", `["weather_actual_celsius","weather_forecast_celsius"]`},
		{"/api/v1/label/city/values?" + window + "&match[]=" + selector + "&limit=40000", "", `["new_york","seattle"]`},
		{"/api/v1/series?" + window + "&match[]=" + selector, "", `[{"__name__":"weather_actual_celsius","city":"new_york"},{"__name__":"weather_actual_celsius","city":"seattle"}]`},
		{"/api/v1/query_range", window + "&step=15&query=" + url.QueryEscape(`count(weather_actual_celsius)`), `"resultType":"matrix"`},
		{"/api/v1/rules", "", `"data":{"groups":[]}`},
		{"/api/v1/rules?type=alert&group_limit=40", "", `"data":{"groups":[]}`},
		{"/api/v1/series", window + "&limit=40000&match[]=" + selector, `"city":"seattle"`},
		{"/api/v1/query_exemplars", window + "&query=weather_actual_celsius", `"data":[]`},
	} {
		method := http.MethodGet
		if c.form != "" {
			method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(t.Context(), method, server+c.path, strings.NewReader(c.form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", "Grafana/12.0.0")
		if got := do(t, r); !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s: %s; want %s", method, c.path, c.form, got, c.want)
		}
	}
}

// TestHubAway: while the hub is away the answer says so, and the next query after its return
// connects again.
func TestHubAway(t *testing.T) {
	aimdb, err := built.aimdb()
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	fill(t, filepath.Join(dir, "history.db"), each(minutes()))
	hub := runHub(t, aimdb, dir)
	server := startAdapter(t, "-connect", filepath.Join(dir, "s"))
	form := url.Values{"query": {"count(weather_actual_celsius)"}, "time": {strconv.Itoa(begin + 600)}}
	want := get(t, server, "/api/v1/query", form)
	hub.stop(t)
	answer, err := http.PostForm(server+"/api/v1/query", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the hub: %s", answer.Status)
	}
	runHub(t, aimdb, dir)
	if got := get(t, server, "/api/v1/query", form); got != want || !strings.Contains(got, `"2"`) {
		t.Errorf("%s, want %s", got, want)
	}
}
