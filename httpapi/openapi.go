package httpapi

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
)

//go:embed openapi.json
var description []byte

// describe answers GET /api. The server of the description is where the handler hangs.
func (q *request) describe() *problem {
	var document map[string]any
	if err := json.Unmarshal(description, &document); err != nil {
		return problemf(http.StatusInternalServerError, "%v", err)
	}
	asked, _, _ := strings.Cut(q.r.RequestURI, "?")
	base := strings.TrimSuffix(asked, "/api")
	if base == "" || !strings.HasPrefix(base, "/") {
		base = "/"
	}
	document["servers"] = []map[string]string{{"url": base}}
	return q.json(http.StatusOK, document)
}
