package serve

import (
	"net/http"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
)

// webHandler returns what the web server serves beside AimX.
func webHandler(db *aimdb.DB) http.Handler { return httpapi.New(db) }
