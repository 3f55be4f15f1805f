package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// serverTimeout bounds what is asked of a server.
const serverTimeout = 10 * time.Second

// Unreachable returns the finding of a server that cannot be asked.
func Unreachable(endpoint string, err error) []Finding {
	r := &report{}
	r.problem("server", endpoint, "start it, or give the right endpoint with --connect", "%v", err)
	return r.all
}

// Server asks a running server how it goes.
func Server(ctx context.Context, c *aimx.Client, now time.Time) []Finding {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	r := &report{now: now}
	where := c.Endpoint().String()
	info, err := c.Info(ctx)
	if err != nil {
		return Unreachable(where, err)
	}
	if info.Version != aimx.Version {
		r.warn("version", where, "use the program of the server", "it speaks AimX %s, and this program %s", info.Version, aimx.Version)
	} else {
		r.ok("server", where, "%s answers and speaks AimX %s", info.Server, info.Version)
	}
	r.sinks(ctx, where, c)
	r.refused(ctx, where, c)
	r.losses(ctx, where, c)
	if stats, err := c.HistoryStats(ctx); err == nil {
		r.clock(where, stats.Stats)
		if stats.DeadLetters > 0 {
			r.warn("dead letters", where, "see them with 'aimdb sink dead-letters STORE list', where STORE is the history, or in the console", "%d values could not be stored", stats.DeadLetters)
		}
	}
	return r.all
}

func (r *report) sinks(ctx context.Context, where string, c *aimx.Client) {
	all, err := c.Sinks(ctx)
	if err != nil {
		r.warn("sinks", where, "ask with a token that may", "the state of the sinks is not told: %v", err)
		return
	}
	for _, s := range all {
		where := where + ", sink " + s.Name
		switch {
		case s.State != "ok":
			r.problem("sinks", where, "remove the cause; the log keeps what waits, up to log_age and log_bytes", "it has stored the log up to %d and waits: %s", s.Sequence, s.State)
		case s.Lost+s.Refused > 0:
			r.warn("sinks", where, "'aimdb verify' says which", "%d values were lost and %d refused since the start", s.Lost, s.Refused)
		default:
			r.ok("sinks", where, "it has stored the log up to %d, with %d retries", s.Sequence, s.Retries)
		}
	}
}

func (r *report) refused(ctx context.Context, where string, c *aimx.Client) {
	all, err := c.Refused(ctx)
	if err != nil {
		return // a server of upstream has none
	}
	sum := uint64(0)
	for _, n := range all.Refused {
		sum += n
	}
	if sum == 0 {
		r.ok("refused", where, "none of %d values from outside was refused", all.Accepted)
		return
	}
	last := ""
	if len(all.Last) > 0 {
		last = fmt.Sprintf("; the last was for %q via %s: %s", all.Last[0].Record, all.Last[0].Via, all.Last[0].Reason)
	}
	r.warn("refused", where, "correct the senders; 'aimdb record refused' lists them", "%d values from outside were refused%s", sum, last)
}

func (r *report) losses(ctx context.Context, where string, c *aimx.Client) {
	records, err := c.List(ctx)
	if err != nil {
		r.warn("losses", where, "ask with a token that may", "the records are not told: %v", err)
		return
	}
	lost, of, worst := uint64(0), 0, aimx.RecordInfo{}
	for _, one := range records {
		if one.Lost > 0 {
			lost, of = lost+one.Lost, of+1
			if one.Lost > worst.Lost {
				worst = one
			}
		}
	}
	if lost > 0 {
		r.warn("losses", where, "mark records that must lose nothing lossless, or give them a larger buffer", "%d values of %d records were lost since the start, most of %q: %v", lost, of, worst.Key, worst.LostBy)
		return
	}
	r.ok("losses", where, "none of %d records has lost a value since the start", len(records))
}

// Health asks the web server at an address, such as http://127.0.0.1:8080, for its troubles
// and its clock. It tells the troubles only to who presents a token, if it has tokens.
func Health(ctx context.Context, client *http.Client, base, token string, now func() time.Time) []Finding {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	r := &report{}
	where := base + "/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		r.problem("health", where, "give the right address", "%v", err)
		return r.all
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(request)
	if err != nil {
		r.problem("health", where, "see whether the server runs and listens there", "%v", err)
		return r.all
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	r.skew(where, answer.Header.Get("Date"), now())
	var health struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons"`
	}
	switch err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&health); {
	case answer.StatusCode != http.StatusOK:
		r.problem("health", where, "wait for the start, or look at the log of the server", "it answers %s", answer.Status)
	case err != nil:
		r.problem("health", where, "see what else listens there", "it does not answer as a database does: %v", err)
	case health.Status == "degraded" && len(health.Reasons) == 0:
		r.problem("health", where, "ask on the machine of the server, or with a token", "the server is degraded and does not say why")
	case health.Status == "degraded":
		for _, reason := range health.Reasons {
			r.problem("health", where, "remove the cause", "%s", reason)
		}
	default:
		r.ok("health", where, "the server says %s", health.Status)
	}
	return r.all
}

// skew compares the clocks.
func (r *report) skew(where, date string, now time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	if d := now.Sub(at).Abs(); d > history.ClockTolerance {
		r.warn("clock", where, "set both by NTP", "the clock of the server and that of this machine differ by %v", d.Round(time.Second))
	}
}
