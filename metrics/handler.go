package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/key"
)

// Handler serves /metrics: the collectors that it is given, and those of Go and the process.
// If the database asks for tokens or users, one has to be presented that may read all
// records, since the labels name them. Prometheus sends one by the setting authorization or
// basic_auth.
func Handler(db *aimdb.DB, all ...prometheus.Collector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range append(all, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	serve := promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, ErrorHandling: promhttp.ContinueOnError})
	return db.CheckHost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grants, presented, err := db.Access().Request(r)
		switch {
		case err != nil, !presented && !db.Access().Open():
			w.Header().Add("WWW-Authenticate", "Bearer")
			w.Header().Add("WWW-Authenticate", `Basic realm="aimdb", charset="UTF-8"`)
			http.Error(w, "metrics need a token or a user that may read all records", http.StatusUnauthorized)
		case !grants.ReadsAll(key.WirePattern("#")):
			http.Error(w, "metrics name all records; this token or user may not read all", http.StatusForbidden)
		default:
			serve.ServeHTTP(w, r)
		}
	})), nil
}
