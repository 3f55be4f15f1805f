package api_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/api"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
	"github.com/aimdb-go/aimdb/history"
)

// rows is a history in memory, in the order of its times.
type rows struct {
	all []history.Row
	err error
	// asked are the patterns of the ranges. Each waits for hold, if that is not nil, or
	// for the end of its context.
	asked chan string
	hold  chan struct{}
}

func (r *rows) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if r.asked != nil {
			r.asked <- q.Pattern.String()
		}
		if r.hold != nil {
			select {
			case <-r.hold:
			case <-ctx.Done():
				yield(history.Row{}, ctx.Err())
				return
			}
		}
		if r.err != nil {
			yield(history.Row{}, r.err)
			return
		}
		for _, row := range r.all {
			if q.Pattern.Match(row.Record) && row.Time >= *q.Window.Start && row.Time <= *q.Window.End && !yield(row, nil) {
				return
			}
		}
	}
}

func (r *rows) Stats(context.Context) (s history.Stats, err error) {
	for _, row := range r.all {
		i, known := slices.BinarySearchFunc(s.Records, row.Record, func(a history.RecordStats, b string) int { return cmp.Compare(a.Record, b) })
		if !known {
			s.Records = slices.Insert(s.Records, i, history.RecordStats{Record: row.Record, FirstTime: row.Time})
		}
		s.Records[i].Rows++
		s.Records[i].LastTime = row.Time
	}
	return s, r.err
}

// row is one with a time in seconds.
func row(record string, seconds int64, value string) history.Row {
	return history.Row{Record: record, Time: seconds * 1000, Value: []byte(value)}
}

const declared = `
metrics:
  temp: {record: "w.*.now", path: t, labels: {station: $1}, type: gauge, help: Temperature., unit: celsius}
  hits_total: {record: "n", type: counter, labels: {source: hub}}
`

func sample() []history.Row {
	return []history.Row{
		row("n", 1000, "1"), row("w.graz.now", 1000, `{"t":10.5}`), row("w.linz.now", 1000, `{"t":-2}`),
		row("w.graz.now", 1060, `{"t":11}`), row("w.graz.now", 1060, `{"t":12}`), row("w.linz.now", 1060, `{"t":null}`),
		row("n", 1060, "7"), row("w.linz.now", 1120, `{"t":"hot"}`), row("other", 1120, "5"), row("w.graz.now", 1180, `{}`),
	}
}

// start serves some rows.
func start(t *testing.T, source series.Source, by ...func(*api.Config)) *httptest.Server {
	t.Helper()
	metrics, err := metric.Parse("f.yaml", []byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	c := api.Config{
		Storage: series.New(source, metrics, 8), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Lookback: 5 * time.Minute, Timeout: time.Minute, Samples: 1000, Queries: 2,
	}
	for _, change := range by {
		change(&c)
	}
	a := api.New(c)
	s := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		s.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask returns status and body. The path may have a query; a body makes it a POST.
func ask(t *testing.T, s *httptest.Server, path, form string) (int, string) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != "" {
		method, body = http.MethodPost, strings.NewReader(form)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestAnswers(t *testing.T) {
	s := start(t, &rows{all: sample()})
	ok := func(data string) string { return `{"status":"success","data":` + data + `}` }
	q := func(query, rest string) string { return "query=" + url.QueryEscape(query) + rest }
	for _, c := range []struct{ path, form, want string }{
		{"/api/v1/query?" + q("1+1", "&time=4"), "", ok(`{"resultType":"scalar","result":[4,"2"]}`)},
		{"/api/v1/query?" + q(`"a<b"`, "&time=1.5"), "", ok(`{"resultType":"string","result":[1.500,"a\u003cb"]}`)},
		{"/api/v1/query", q("temp", "&time=1970-01-01T00:16:45.25Z"), ok(`{"resultType":"vector","result":[{"metric":{"__name__":"temp","station":"graz"},"value":[1005.250,"10.5"]},{"metric":{"__name__":"temp","station":"linz"},"value":[1005.250,"-2"]}]}`)},
		// Of two rows of one millisecond the last one counts; what is no number is left out.
		{"/api/v1/query?" + q(`{__name__=~"temp"}[5m]`, "&time=1200"), "", ok(`{"resultType":"matrix","result":[{"metric":{"__name__":"temp","station":"graz"},"values":[[1000,"10.5"],[1060,"12"]]},{"metric":{"__name__":"temp","station":"linz"},"values":[[1000,"-2"]]}]}`)},
		// A range leaves its begin out and has its end.
		{"/api/v1/query?" + q(`count_over_time(temp{station="graz"}[60s])`, "&time=1060"), "", ok(`{"resultType":"vector","result":[{"metric":{"station":"graz"},"value":[1060,"1"]}]}`)},
		// The last sample counts for the lookback, and not a millisecond longer.
		{"/api/v1/query?" + q(`hits_total`, "&time=1359.999"), "", ok(`{"resultType":"vector","result":[{"metric":{"__name__":"hits_total","source":"hub"},"value":[1359.999,"7"]}]}`)},
		{"/api/v1/query?" + q(`hits_total`, "&time=1360"), "", ok(`{"resultType":"vector","result":[]}`)},
		{"/api/v1/query?" + q(`hits_total`, "&time=1360&lookback_delta=301"), "", ok(`{"resultType":"vector","result":[{"metric":{"__name__":"hits_total","source":"hub"},"value":[1360,"7"]}]}`)},
		{"/api/v1/query?" + q(`vector(1)/0 > 0`, "&time=1"), "", ok(`{"resultType":"vector","result":[{"metric":{},"value":[1,"+Inf"]}]}`)},
		{"/api/v1/query_range", q(`temp{station="graz"}`, "&start=990&end=1080&step=30"), ok(`{"resultType":"matrix","result":[{"metric":{"__name__":"temp","station":"graz"},"values":[[1020,"10.5"],[1050,"10.5"],[1080,"12"]]}]}`)},
		{"/api/v1/query_range?" + q(`increase(hits_total[2m])`, "&start=1120&end=1120&step=1m"), "", `{"status":"success","data":{"resultType":"matrix","result":[]}}`},
		{"/api/v1/query?" + q("temp", "&time=1000&limit=1"), "", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"temp","station":"graz"},"value":[1000,"10.5"]}]},"warnings":["results truncated due to limit"]}`},
		{"/api/v1/query?" + q("rate(temp[5m])", "&time=1100"), "", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"station":"graz"},"value":[1100,"0.010833333333333334"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"temp\" (1:6)"]}`},
		{"/api/v1/series?match[]=temp", "", ok(`[{"__name__":"temp","station":"graz"},{"__name__":"temp","station":"linz"}]`)},
		{"/api/v1/series", "match[]=temp&match[]=" + url.QueryEscape(`{station="graz"}`) + "&match[]=hits_total", ok(`[{"__name__":"hits_total","source":"hub"},{"__name__":"temp","station":"graz"},{"__name__":"temp","station":"linz"}]`)},
		{"/api/v1/series?match[]=temp&start=1121", "", ok(`[{"__name__":"temp","station":"graz"}]`)},
		{"/api/v1/series?match[]=temp&end=999", "", ok(`[]`)},
		{"/api/v1/labels", "", ok(`["__name__","source","station"]`)},
		{"/api/v1/labels", "match[]=hits_total", ok(`["__name__","source"]`)},
		{"/api/v1/labels?match[]=none", "", ok(`[]`)},
		{"/api/v1/label/__name__/values", "", ok(`["hits_total","temp"]`)},
		{"/api/v1/label/station/values?match[]=temp&limit=1", "", `{"status":"success","data":["graz"],"warnings":["results truncated due to limit"]}`},
		{"/api/v1/label/none/values", "", ok(`[]`)},
		{"/api/v1/metadata", "", ok(`{"hits_total":[{"type":"counter","help":"","unit":""}],"temp":[{"type":"gauge","help":"Temperature.","unit":"celsius"}]}`)},
		{"/api/v1/metadata?metric=temp&limit=1&limit_per_metric=1", "", ok(`{"temp":[{"type":"gauge","help":"Temperature.","unit":"celsius"}]}`)},
		{"/api/v1/format_query?" + q("sum  by(a)(temp)", ""), "", ok(`"sum by (a) (temp)"`)},
		{"/api/v1/query_exemplars", q("temp", ""), ok(`[]`)},
		{"/api/v1/rules?type=alert", "", ok(`{"groups":[]}`)},
		{"/api/v1/alerts", "", ok(`{"alerts":[]}`)},
		{"/api/v1/targets?state=active", "", ok(`{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}`)},
		{"/api/v1/alertmanagers", "", ok(`{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`)},
		{"/api/v1/status/config", "", ok(`{"yaml":""}`)},
		{"/api/v1/status/flags", "", ok(`{"query.lookback-delta":"5m0s","query.max-concurrency":"2","query.max-samples":"1000","query.timeout":"1m0s"}`)},
		{"/-/ready", "", "The adapter is Ready.\n"},
	} {
		status, got := ask(t, s, c.path, c.form)
		if status != http.StatusOK || got != c.want {
			t.Errorf("%s %s: %d\n%s\nwant\n%s", c.path, c.form, status, got, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	s := start(t, &rows{all: sample()})
	for _, c := range []struct {
		path, form string
		status     int
		want       string
	}{
		{"/api/v1/query", "query=sum(", 400, `"bad_data","error":"invalid parameter \"query\": 1:5: parse error`},
		{"/api/v1/query?query=1&time=NaN", "", 400, `invalid parameter \"time\"`},
		{"/api/v1/query?query=1&time=1e300", "", 400, `out of range`},
		{"/api/v1/query?query=1&timeout=x", "", 400, `invalid parameter \"timeout\"`},
		{"/api/v1/query?query=1&limit=-1", "", 400, `invalid parameter \"limit\"`},
		{"/api/v1/query?query=%zz", "", 400, `error parsing form values`},
		{"/api/v1/query_range?query=1&start=2&end=1&step=1", "", 400, `end timestamp must not be before start time`},
		{"/api/v1/query_range?query=1&start=1&end=2&step=0", "", 400, `zero or negative`},
		{"/api/v1/query_range?query=1&start=1&end=2&step=0.0001", "", 400, `below a millisecond`},
		{"/api/v1/query_range?query=1&start=1&end=11002&step=1", "", 400, `11,000 points`},
		{"/api/v1/query_range?query=temp&start=1700000000&end=1731536000&step=1", "", 400, `{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}`},
		{"/api/v1/query_range?query=1&start=-9e15&end=9e15&step=1", "", 400, `11,000 points`},
		{"/api/v1/query_range?query=1&end=2&step=1", "", 400, `invalid parameter \"start\"`},
		{"/api/v1/query?query=temp%2Btemp&time=1200", "", 422, `"execution","error":"expanding series: read temp: the query needs more than 8 rows`},
		{"/api/v1/series", "", 400, `no match[] parameter provided`},
		{"/api/v1/series?match[]={}", "", 400, `at least one non-empty matcher`},
		{"/api/v1/labels?match[]=a{", "", 400, `invalid parameter \"match[]\"`},
		{"/api/v1/metadata?limit=x", "", 400, `limit must be a number`},
		{"/api/v1/format_query?query=)", "", 400, `invalid parameter \"query\"`},
		{"/federate?match[]={}", "", 400, `at least one non-empty matcher`},
		{"/api/v1/query", "query=" + strings.Repeat("1", 2<<20), 400, `error parsing form values: http: request body too large`},
		{"/api/v1/none", "", 404, `"errorType":"not_found","error":"GET /api/v1/none is not served: this is a read-only adapter`},
		{"/api/v1/parse_query?query=1", "", 404, `"not_found"`},
		{"/api/v1/read", "x=1", 404, `"not_found"`},
		{"/api/v1/metadata", "limit=1", 404, `POST /api/v1/metadata is not served`},
		{"/none", "", 404, ""},
	} {
		status, got := ask(t, s, c.path, c.form)
		if status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s; want %d %s", c.path, status, got, c.status, c.want)
		}
	}
}

// A history that cannot be reached is another error than a wrong query.
func TestHistoryAway(t *testing.T) {
	s := start(t, &rows{err: history.ErrUnavailable})
	for _, path := range []string{"/api/v1/query?query=temp", "/api/v1/labels", "/api/v1/series?match[]=temp", "/federate?match[]=temp"} {
		if status, got := ask(t, s, path, ""); status != http.StatusServiceUnavailable || !strings.Contains(got, history.ErrUnavailable.Error()) {
			t.Errorf("%s: %d %s", path, status, got)
		}
	}
	s = start(t, &rows{err: errors.New("denied")})
	if status, got := ask(t, s, "/api/v1/query?query=temp", ""); status != 422 || !strings.Contains(got, "read temp: denied") {
		t.Errorf("%d %s", status, got)
	}
}

// Only records that can match are read.
func TestSelectorsNarrowWhatIsRead(t *testing.T) {
	source := &rows{all: sample(), asked: make(chan string, 10)}
	s := start(t, source)
	ask(t, s, "/api/v1/query?time=1000&query="+url.QueryEscape(`temp{station="graz"} + on() hits_total`), "")
	if a, b := <-source.asked, <-source.asked; a != "w.graz.now" || b != "n" || len(source.asked) > 0 {
		t.Errorf("asked for %s and %s, and %d more", a, b, len(source.asked))
	}
}

func TestQueryEndsWithItsClient(t *testing.T) {
	source := &rows{asked: make(chan string), hold: make(chan struct{})}
	s := start(t, source, func(c *api.Config) { c.Queries = 1 })
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/query?query=temp", nil)
		if err == nil {
			_, err = s.Client().Do(r)
		}
		gone <- err
	}()
	select {
	case <-source.asked:
	case <-time.After(20 * time.Second):
		t.Fatal("the query gets no slot: the engine takes one to prepare it, and one to run it")
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	answered := make(chan string, 1)
	go func() { _, body := ask(t, s, "/api/v1/query?query=temp&timeout=20ms", ""); answered <- body }()
	select {
	case <-source.asked:
	case got := <-answered:
		t.Fatalf("the only slot is not free: %s", got)
	}
	if got := <-answered; !strings.Contains(got, `"errorType":"timeout"`) {
		t.Error(got)
	}
}

// TestSlotsAreFreed: what has ended, well or not, leaves its slot to others. What waits for
// one ends with its client.
func TestSlotsAreFreed(t *testing.T) {
	source := &rows{all: sample()}
	s := start(t, source, func(c *api.Config) { c.Queries = 1 })
	for range 2 {
		for path, want := range map[string]int{
			"/api/v1/query?query=temp&time=1000&timeout=10s":             200,
			"/api/v1/query?query=temp%2Btemp&time=1200&timeout=10s":      422,
			"/api/v1/query_range?query=1&start=1&end=2&step=1&timeout=9": 200,
			"/federate?match[]=temp":                                     200,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := s.Client().Do(r)
			if err != nil {
				t.Fatalf("%s: no slot is free: %v", path, err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			cancel()
			if answer.StatusCode != want { // a query that gets no slot is answered with 503
				t.Fatalf("%s: %s, want %d", path, answer.Status, want)
			}
		}
	}
	source.asked, source.hold = make(chan string), make(chan struct{})
	held := make(chan int, 1)
	go func() { status, _ := ask(t, s, "/api/v1/query?query=temp&time=1000", ""); held <- status }()
	<-source.asked
	if status, got := ask(t, s, "/api/v1/query?query=temp&timeout=20ms", ""); status != 503 || !strings.Contains(got, `"errorType":"timeout"`) {
		t.Errorf("while another query holds the slot: %d %s", status, got)
	}
	close(source.hold)
	if status := <-held; status != 200 {
		t.Errorf("the query that held the slot: %d", status)
	}
}

func TestOnlyLoopback(t *testing.T) {
	s := start(t, &rows{})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]:80": 200, "[::1]": 200,
		"evil.example": 403, "localhost.evil.example": 403, "10.0.0.1": 403, "[::ffff:10.0.0.1]:80": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/labels", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("host %s: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

func TestFederate(t *testing.T) {
	now := time.Now().Unix()
	s := start(t, &rows{all: []history.Row{
		row("n", now-400, "1"), row("w.a\"b.now", now-30, `{"t":1}`), row("w.graz.now", now-20, `{"t":10.5}`), row("w.graz.now", now-10, `{"t":-3}`),
	}})
	status, got := ask(t, s, "/federate?match[]=temp&match[]=hits_total&match[]="+url.QueryEscape(`{station="graz"}`), "")
	want := "# TYPE temp untyped\ntemp{station=\"a\\\"b\"} 1 MS1\ntemp{station=\"graz\"} -3 MS2\n"
	want = strings.NewReplacer("MS1", ms(now-30), "MS2", ms(now-10)).Replace(want)
	if status != 200 || got != want {
		t.Errorf("%d\n%s\nwant\n%s", status, got, want)
	}
}

func TestVersionIsThatOfTheEngine(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	major, rest, _ := strings.Cut(api.Version, ".")
	minor, patch, _ := strings.Cut(rest, ".")
	if line := "github.com/prometheus/prometheus v0." + major + minor + "." + patch; !strings.Contains(string(mod), line+"\n") {
		t.Errorf("go.mod has no %q", line)
	}
}

func ms(seconds int64) string { return strconv.FormatInt(seconds*1000, 10) }
