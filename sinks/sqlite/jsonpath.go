package sqlite

import (
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// jsonPath writes a path in the form of SQLite's JSON functions, with every name
// quoted.
func jsonPath(path history.Path) string {
	var text strings.Builder
	text.WriteByte('$')
	for _, step := range path {
		if step.Name != "" {
			text.WriteString(`."` + step.Name + `"`)
		} else {
			text.WriteString("[" + strconv.Itoa(step.Index) + "]")
		}
	}
	return text.String()
}
