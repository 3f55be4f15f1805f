package httpapi

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// admit decides whether a request may go on, and finds its grants.
func (q *request) admit(m method) *problem {
	if err := q.cross.Check(q.r); err != nil && !q.originAdmitted() {
		return problemf(http.StatusForbidden, "a web page of another site cannot write; add its host to Origins: %v", err)
	}
	if m.open {
		return nil
	}
	ask := q.db.Access().Request
	if slices.Contains(m.params, "token") {
		ask = q.db.Access().RequestOrQuery
	}
	grants, presented, err := ask(q.r)
	switch {
	case err != nil:
		return q.unauthorized(err.Error())
	case !presented && !q.db.Access().Open():
		return q.unauthorized("this server admits nobody without a token or a user; send Authorization: Bearer TOKEN, or a name and password as Basic")
	case slices.Contains(m.params, "token"): // EventSource takes a 503 for the end
		q.awaitReady()
	}
	switch {
	case !q.ready():
		return problemf(http.StatusServiceUnavailable, "the database is starting")
	}
	q.grants = grants
	return nil
}

// headers refuses what would change the meaning of a request, and is not done.
func (q *request) headers(method string) *problem {
	if method == http.MethodGet {
		if q.r.ContentLength != 0 {
			return problemf(http.StatusBadRequest, "a body is not read here; send parameters in the query")
		}
		return nil
	}
	if coding := q.r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		q.w.Header().Set("Accept-Encoding", "identity")
		return problemf(http.StatusUnsupportedMediaType, "the body has the Content-Encoding %.40q; send it without one", coding)
	}
	for _, name := range []string{"Content-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if q.r.Header.Get(name) != "" {
			return problemf(http.StatusBadRequest, "a write cannot have %s: values are not compared before they are set", name)
		}
	}
	return nil
}

func (q *request) unauthorized(detail string) *problem {
	q.w.Header().Add("WWW-Authenticate", `Bearer realm="aimdb"`)
	q.w.Header().Add("WWW-Authenticate", `Basic realm="aimdb", charset="UTF-8"`)
	return problemf(http.StatusUnauthorized, "%s", detail)
}

// allowOrigin lets pages of Config.Origins read the answer.
func (q *request) allowOrigin() {
	origin := q.r.Header.Get("Origin")
	if origin == "" || len(q.db.Origins()) == 0 {
		return
	}
	q.w.Header().Add("Vary", "Origin")
	if q.originAdmitted() {
		q.w.Header().Set("Access-Control-Allow-Origin", origin)
		q.w.Header().Set("Access-Control-Expose-Headers", "ETag, Next-Cursor")
	}
}

// preflight answers whether a page of another site may send a request.
func (q *request) preflight(r route) *problem {
	q.w.Header().Set("Allow", r.allowed()+", OPTIONS")
	if q.w.Header().Get("Access-Control-Allow-Origin") != "" {
		q.w.Header().Set("Access-Control-Allow-Methods", r.allowed())
		q.w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Last-Event-ID")
		q.w.Header().Set("Access-Control-Max-Age", "600")
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// originAdmitted reports whether a request is of a page of Config.Origins. Their patterns
// are of hosts, with or without a scheme.
func (q *request) originAdmitted() bool {
	origin, err := url.Parse(strings.ToLower(q.r.Header.Get("Origin")))
	if err != nil || origin.Host == "" {
		return false
	}
	return slices.ContainsFunc(q.db.Origins(), func(pattern string) bool {
		candidate := origin.Host
		if strings.Contains(pattern, "://") {
			candidate = origin.Scheme + "://" + origin.Host
		}
		ok, err := path.Match(strings.ToLower(pattern), candidate)
		return ok && err == nil
	})
}
