package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/ingest"
)

// api is the handler.
type api struct {
	db     *aimdb.DB
	writer *ingest.Writer
	limits limits
	routes []route
	cross  *http.CrossOriginProtection
	// streams holds a token for each stream.
	streams chan struct{}
}

// New returns a handler for the requests described in the package comment. It needs Run of
// the database, and answers 503 before.
func New(db *aimdb.DB, opts ...Option) http.Handler {
	a := &api{db: db, writer: db.Ingest().Via("http"), limits: defaults(), cross: http.NewCrossOriginProtection()}
	for _, opt := range opts {
		opt(&a.limits)
	}
	a.streams = make(chan struct{}, a.limits.streams)
	a.routes = a.table()
	return db.CheckHost(http.HandlerFunc(a.serve))
}

// route is what is served at a path.
type route struct {
	// path is the escaped path. One that ends with '/' is a prefix of a key.
	path    string
	methods map[string]method
}

// method answers requests. It returns a problem if it has written nothing.
type method struct {
	serve func(*request) *problem
	// params are the query parameters that it knows.
	params []string
	// open means that it asks for no token.
	open bool
}

// request is one request.
type request struct {
	*api
	w      http.ResponseWriter
	r      *http.Request
	grants *access.Grants
	// key is the rest of the path after a route that ends with '/'.
	key    string
	params url.Values
	now    time.Time
}

func (a *api) table() []route {
	return []route{
		// A mux that serves /api/ alone redirects /api there.
		{"/api", map[string]method{"GET": {serve: (*request).describe, open: true}}},
		{"/api/records", map[string]method{"GET": {serve: (*request).list, params: []string{"pattern", "limit", "cursor"}}}},
		{"/api/records/", map[string]method{
			"GET": {serve: (*request).get},
			"PUT": {serve: (*request).put, params: []string{"wait"}},
		}},
		{"/api/write", map[string]method{"POST": {serve: (*request).write}}},
		{"/api/query", map[string]method{"GET": {serve: (*request).query, params: queryParams()}}},
		{"/api/stream", map[string]method{"GET": {serve: (*request).stream, params: []string{"pattern", "after", "token"}}}},
	}
}

// serve answers one request.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	req := &request{api: a, w: w, r: r, now: time.Now()}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	req.boundBody()
	if p := req.answer(); p != nil {
		p.write(w, r)
	}
}

func (q *request) answer() *problem {
	found, p := q.find()
	if p != nil {
		return p
	}
	q.allowOrigin()
	if q.r.Method == http.MethodOptions {
		return q.preflight(found)
	}
	name := q.r.Method
	if name == http.MethodHead {
		name = http.MethodGet
	}
	m, ok := found.methods[name]
	if !ok {
		q.w.Header().Set("Allow", found.allowed())
		return problemf(http.StatusMethodNotAllowed, "%s is not served at this path, only %s", q.r.Method, found.allowed())
	}
	if p := q.admit(m); p != nil {
		return p
	}
	if p := q.headers(name); p != nil {
		return p
	}
	if q.params, p = parseParams(q.r.URL.RawQuery, m.params); p != nil {
		return p
	}
	return m.serve(q)
}

// find returns the route of a request.
func (q *request) find() (route, *problem) {
	path := q.r.URL.EscapedPath()
	if path == "/api/" {
		path = "/api"
	}
	for _, r := range q.routes {
		if path == r.path && !strings.HasSuffix(r.path, "/") {
			return r, nil
		}
		rest, below := strings.CutPrefix(path, r.path)
		if !below || !strings.HasSuffix(r.path, "/") || rest == "" {
			continue
		}
		key, err := url.PathUnescape(rest)
		if err != nil {
			return r, problemf(http.StatusBadRequest, "the key in the path cannot be unescaped: %v", err)
		}
		q.key = key
		return r, nil
	}
	return route{}, problemf(http.StatusNotFound, "nothing is served at this path; GET /api describes what there is")
}

func (r route) allowed() string {
	if _, put := r.methods["PUT"]; put {
		return "GET, HEAD, PUT"
	}
	if _, post := r.methods["POST"]; post {
		return "POST"
	}
	return "GET, HEAD"
}

// awaitReady waits until the database serves, or the client has left or waited for long.
func (q *request) awaitReady() {
	late := time.NewTimer(q.limits.write)
	defer late.Stop()
	select {
	case <-q.db.Ready():
	case <-late.C:
	case <-q.r.Context().Done():
	}
}

// ready reports whether the database serves.
func (a *api) ready() bool {
	select {
	case <-a.db.Ready():
		return true
	default:
		return false
	}
}
