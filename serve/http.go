package serve

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/metrics"
)

// webHandler returns what the web server serves beside AimX. It picks by the first segment of
// the path and not with a ServeMux, which would redirect paths that httpapi answers.
func webHandler(db *aimdb.DB, measured ...prometheus.Collector) (http.Handler, error) {
	api := httpapi.New(db)
	scraped, err := metrics.Handler(db, append(measured, metrics.New(db))...)
	if err != nil {
		return nil, err
	}
	firsts := map[string]http.Handler{"console": console.New(db), "metrics": onlyAt("/metrics", scraped)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/console/", http.StatusFound)
			return
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if h := firsts[first]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}), nil
}

// onlyAt serves a handler at one path and nothing below it.
func onlyAt(path string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
