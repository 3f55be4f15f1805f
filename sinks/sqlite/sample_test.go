package sqlite_test

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// FuzzSample: a number is found where SQLite finds it too, in values that
// the two do not disagree on by the rule of package jsonrule.
func FuzzSample(f *testing.F) {
	for _, c := range [][2]string{
		{"", "1"}, {"$", "-0.5e3"}, {"a", `{"a":1}`}, {"a.b[3]", `{"a":{"b":[0,1,2,3e2]}}`}, {`"a.b".c`, `{"a.b":{"c":null}}`},
		{"[0][1]", `[[1,"2"]]`}, {"a", `{"\u0061":true}`}, {"ü", `{"x":[{"y":"}]"}],"ü":12345678901234567890123}`}, {"a", "[]"}, {"[0]", "{}"},
	} {
		f.Add(c[0], c[1])
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	const text = `SELECT coalesce(json_type(?1, ?2), 'null'), (SELECT count(*) = count(DISTINCT fullkey) FROM json_tree(?1)),
		CASE WHEN json_type(?1, ?2) IN ('integer', 'real') THEN json_extract(?1, ?2) END`
	f.Fuzz(func(t *testing.T, path, value string) {
		p, err := history.ParsePath(path)
		if err != nil || jsonrule.Check([]byte(value)) != nil {
			return
		}
		sample := p.Sample(0, []byte(value))
		var type_ string
		var unique bool
		var want sql.NullFloat64
		if err := db.QueryRow(text, value, sqlitePath(p)).Scan(&type_, &unique, &want); err != nil || !unique {
			return // SQLite reads fewer values, and the first of two members
		}
		switch {
		case want.Valid && sample.Kind == history.NotNumeric && (want.Float64 > 1e308 || want.Float64 < -1e308):
		case want.Valid != (sample.Kind == history.Numeric), want.Float64 != sample.Number, (type_ == "null") != (sample.Kind == history.Missing):
			t.Errorf("%q of %q is %+v, and to SQLite %v of type %s", path, value, sample, want, type_)
		}
	})
}

// sqlitePath writes a path in the form of SQLite's JSON functions.
func sqlitePath(path history.Path) string {
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
