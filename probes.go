package aimdb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// stopping is the end of a run, once it has begun.
type stopping struct {
	once  sync.Once
	since time.Time     // set before begun is closed
	begun chan struct{} // closed when the run begins to end
}

func (s *stopping) begin() {
	s.once.Do(func() {
		s.since = time.Now()
		close(s.begun)
	})
}

// lasts returns for how long the database stops.
func (s *stopping) lasts() (d time.Duration, stops bool) {
	select {
	case <-s.begun:
		return time.Since(s.since), true
	default:
		return 0, false
	}
}

// stuckFactor is how many times DrainTimeout a stop lasts before only the end of the process
// helps.
const stuckFactor = 2

// Probes serves /livez, /readyz and /startupz, for the mux of a caller. The web server of
// [HTTP] serves them already, also before the database serves.
//
//   - /livez fails if only another start of the process helps: the database is closed, or
//     does not end long after [DrainTimeout]. A disk or a sink that fails is no reason.
//   - /readyz fails until the database serves, when it stops, and while the log cannot be
//     written because its disk takes no data.
//   - /startupz fails until the database serves for the first time.
//
// A probe that fails has the status 503. The answer has the reasons, and the troubles that
// make no probe fail, for who presents a token or a user, or if the database asks for none.
func (db *DB) Probes() http.Handler {
	probes := map[string]func() string{"/livez": db.dead, "/readyz": db.unready, "/startupz": db.unstarted}
	return db.CheckHost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe, ok := probes[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a probe is asked with GET", http.StatusMethodNotAllowed)
		default:
			db.answerProbe(w, r, probe())
		}
	}))
}

// probeAnswer is what a probe answers.
type probeAnswer struct {
	Status   string   `json:"status"` // ok or failed
	Reasons  []string `json:"reasons,omitempty"`
	Troubles []string `json:"troubles,omitempty"`
}

func (db *DB) answerProbe(w http.ResponseWriter, r *http.Request, reason string) {
	a, status := probeAnswer{Status: "ok"}, http.StatusOK
	if reason != "" {
		a.Status, status = "failed", http.StatusServiceUnavailable
	}
	if db.mayKnow(r) {
		if reason != "" {
			a.Reasons = []string{reason}
		}
		a.Troubles = db.Troubles()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // the client has left
}

// mayKnow reports whether a client hears reasons, as that of /health does.
func (db *DB) mayKnow(r *http.Request) bool {
	_, presented, err := db.access.RequestOrQuery(r)
	return err == nil && (presented || db.access.Open())
}

func (db *DB) dead() string {
	if db.closed() {
		return "the database is closed"
	}
	if since, stops := db.stopping.lasts(); stops && since > stuckFactor*db.config.DrainTimeout {
		return fmt.Sprintf("the database has been stopping for %v and does not end", since.Round(time.Second))
	}
	return ""
}

func (db *DB) unready() string {
	if _, stops := db.stopping.lasts(); stops {
		return "the database stops"
	}
	if reason := db.unstarted(); reason != "" {
		return reason
	}
	if why := db.bus.Blocked(); why != nil {
		return why.Error()
	}
	return ""
}

func (db *DB) unstarted() string {
	select {
	case <-db.ready:
		return ""
	default:
		if db.closed() {
			return "the database is closed"
		}
		return "the database is starting: it brings its records back from the history"
	}
}

// untilReady lets requests wait until the database serves.
func (db *DB) untilReady(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-db.ready:
			next.ServeHTTP(w, r)
		case <-db.stopping.begun:
			http.Error(w, "the database stops", http.StatusServiceUnavailable)
		case <-r.Context().Done(): // the client has left, or the server ends
		}
	})
}
