package serve

import (
	"net/http"
	"strings"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/httpapi"
)

// webHandler returns what the web server serves beside AimX. It picks by the first segment of
// the path and not with a ServeMux, which would redirect paths that httpapi answers.
func webHandler(db *aimdb.DB) http.Handler {
	api := httpapi.New(db)
	firsts := map[string]http.Handler{"console": console.New(db)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if h := firsts[first]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}
