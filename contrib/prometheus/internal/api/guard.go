package api

import (
	"errors"
	"net/http"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
)

// The kinds of failures of requests that are not admitted.
const (
	unauthorized = "unauthorized"
	forbidden    = "forbidden"
)

// guard admits requests. A page of another site cannot post: without a password, its
// queries would run in the name of whoever looks at it.
func (a *API) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grants, failure := a.admit(cross, r)
		if failure != nil {
			if failure.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="aimdb"`)
			}
			respondError(w, failure)
			return
		}
		next.ServeHTTP(w, r.WithContext(series.WithGrants(r.Context(), grants)))
	})
}

// admit returns the grants of a request. Those of one without tokens are nil: everything.
func (a *API) admit(cross *http.CrossOriginProtection, r *http.Request) (*access.Grants, *failure) {
	if err := cross.Check(r); err != nil {
		return nil, failf(forbidden, http.StatusForbidden, "a web page of another site cannot ask: %w", err)
	}
	if a.config.Tokens == nil {
		// A name of another host that leads to loopback is the trick of a web page.
		if !IsLoopback(r.Host) {
			return nil, failf(forbidden, http.StatusForbidden, "the host %q is not served: this server listens on loopback and knows no tokens; ask it as localhost or 127.0.0.1", r.Host)
		}
		return nil, nil
	}
	grants, presented, err := a.config.Tokens.Request(r)
	if err == nil && !presented {
		err = errors.New("this server admits nobody without a token; send Authorization: Bearer TOKEN")
	}
	if err != nil {
		return nil, &failure{unauthorized, http.StatusUnauthorized, err}
	}
	return grants, nil
}
