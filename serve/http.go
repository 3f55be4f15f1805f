package serve

import (
	"net/http"

	"github.com/aimdb-go/aimdb"
)

// apiPath is where the HTTP API is, "" if there is none.
const apiPath = ""

// webHandler returns what the web server serves beside AimX, nil for nothing.
func webHandler(*aimdb.DB) (http.Handler, error) { return nil, nil }
