package bus

import (
	"log/slog"
	"sync"
	"time"
)

// outage logs once that the log takes no values and once that it takes them again,
// and counts the retries in between. The writer calls failed and ended; status is safe
// for concurrent use.
type outage struct {
	log   *slog.Logger
	since time.Time

	mu      sync.Mutex
	text    string
	retries uint64
}

func (o *outage) failed(err error, waiting int) {
	o.mu.Lock()
	o.retries++
	o.text = "retrying: " + err.Error()
	o.mu.Unlock()
	if o.since.IsZero() {
		o.since = time.Now()
		o.log.Error("bus: the log does not take values; they wait and are sent again", "waiting", waiting, "error", err)
	}
}

func (o *outage) ended() {
	o.log.Info("bus: the log takes values again", "after", time.Since(o.since).Round(time.Millisecond).String())
	o.since = time.Time{}
	o.mu.Lock()
	o.text = ""
	o.mu.Unlock()
}

// status returns "ok", or "retrying: " and the last error, and the number of retries.
func (o *outage) status() (text string, retries uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text == "" {
		return "ok", o.retries
	}
	return o.text, o.retries
}
