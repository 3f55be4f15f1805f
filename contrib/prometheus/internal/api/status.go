package api

import (
	"net/http"
	"runtime"
	"strconv"
	"time"
)

// Version is the version of Prometheus whose engine answers. Clients go by it.
const Version = "3.16.0"

// buildInfo says which Prometheus this behaves like.
func (a *API) buildInfo(*http.Request) (answer, *failure) {
	return answer{data: struct {
		Version   string `json:"version"`
		Revision  string `json:"revision"`
		Branch    string `json:"branch"`
		BuildUser string `json:"buildUser"`
		BuildDate string `json:"buildDate"`
		GoVersion string `json:"goVersion"`
	}{Version: Version, Branch: "aimdb-prometheus", GoVersion: runtime.Version()}}, nil
}

// runtimeInfo describes this process. Nothing is stored, so that there is no retention.
func (a *API) runtimeInfo(*http.Request) (answer, *failure) {
	return answer{data: struct {
		StartTime      string `json:"startTime"`
		ServerTime     string `json:"serverTime"`
		ReloadSuccess  bool   `json:"reloadConfigSuccess"`
		LastConfigTime string `json:"lastConfigTime"`
		Goroutines     int    `json:"goroutineCount"`
		MaxProcs       int    `json:"GOMAXPROCS"`
		Retention      string `json:"storageRetention"`
	}{
		StartTime: a.started.Format(time.RFC3339), ServerTime: time.Now().UTC().Format(time.RFC3339Nano), ReloadSuccess: true,
		LastConfigTime: a.started.Format(time.RFC3339), Goroutines: runtime.NumGoroutine(), MaxProcs: runtime.GOMAXPROCS(0),
	}}, nil
}

// flags are those of Prometheus that clients read.
func (a *API) flags(*http.Request) (answer, *failure) {
	return answer{data: map[string]string{
		"query.lookback-delta":  a.config.Lookback.String(),
		"query.max-concurrency": strconv.Itoa(a.config.Queries),
		"query.max-samples":     strconv.Itoa(a.config.Samples),
		"query.timeout":         a.config.Timeout.String(),
	}}, nil
}

// always answers what does not change.
func always(data string) endpoint {
	return func(*http.Request) (answer, *failure) { return answer{data: []byte(data)}, nil }
}

// unknown answers requests below /api that are not served.
func unknown(r *http.Request) (answer, *failure) {
	return answer{}, failf(notFound, http.StatusNotFound, "%s %s is not served: this is a read-only adapter with queries, series, labels, metadata and the status of Prometheus; all but queries, series and labels take GET only", r.Method, r.URL.Path)
}
