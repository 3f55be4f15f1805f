package metrics

import (
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/ingest"
)

// wayMetrics are those of the ways in and out.
type wayMetrics struct {
	accepted, refused, logins                   *metric
	aimxConnections, frames, aimxSlow, aimxMany *metric
	httpConnections, requests, httpSlow         *metric
}

func newWayMetrics() wayMetrics {
	return wayMetrics{
		accepted:        newMetric(Counter, "aimdb_ingest_accepted_total", "Values that were set from outside."),
		refused:         newMetric(Counter, "aimdb_ingest_refused_total", "Values from outside that were refused, by cause.", "cause"),
		logins:          newMetric(Counter, "aimdb_refused_logins_total", "Tokens, names and passwords that were presented and that nobody has."),
		aimxConnections: newMetric(Gauge, "aimdb_aimx_connections", "Connections of AimX clients, those of WebSockets included."),
		frames:          newMetric(Counter, "aimdb_aimx_frames_total", "Frames of AimX clients, such as requests, subscriptions and writes."),
		aimxSlow:        newMetric(Counter, "aimdb_aimx_slow_clients_total", "AimX clients that were disconnected because they did not read."),
		aimxMany:        newMetric(Counter, "aimdb_aimx_turned_away_total", "AimX connections that were refused because there were too many."),
		httpConnections: newMetric(Gauge, "aimdb_http_connections", "Connections to the web server, without WebSockets."),
		requests:        newMetric(Counter, "aimdb_http_requests_total", "Requests that the web server has answered, by status. A connection that became a WebSocket is counted at its end, with 101.", "code"),
		httpSlow:        newMetric(Counter, "aimdb_http_slow_clients_total", "Requests that ended because the client did not read."),
	}
}

func (w wayMetrics) all() []*metric {
	return []*metric{w.accepted, w.refused, w.logins, w.aimxConnections, w.frames, w.aimxSlow, w.aimxMany, w.httpConnections, w.requests, w.httpSlow}
}

func (w wayMetrics) collect(to chan<- prometheus.Metric, t aimdb.Totals) {
	w.accepted.send(to, float64(t.Ingest.Accepted))
	for cause := ingest.Denied; cause <= ingest.Dropped; cause++ {
		w.refused.send(to, float64(t.Ingest.Refused[cause.String()]), cause.String())
	}
	w.logins.send(to, float64(t.RefusedLogins))
	w.aimxConnections.send(to, float64(t.Gateway.Connections))
	w.frames.send(to, float64(t.Gateway.Frames))
	w.aimxSlow.send(to, float64(t.Gateway.Slow))
	w.aimxMany.send(to, float64(t.Gateway.TurnedAway))
	w.httpConnections.send(to, float64(t.Web.Connections))
	w.httpSlow.send(to, float64(t.Web.Slow))
	for _, code := range slices.Sorted(maps.Keys(t.Web.Requests)) {
		w.requests.send(to, float64(t.Web.Requests[code]), strconv.Itoa(code))
	}
}
