package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestNoPackageState: two databases in one process must not know each other,
// so no package keeps anything that changes.
func TestNoPackageState(t *testing.T) {
	for _, p := range packages(t) {
		fset, files := parse(t, p)
		changed := map[string]bool{}
		for _, f := range files {
			collectChanged(f, changed)
		}
		for _, f := range files {
			for _, name := range packageState(f, changed) {
				t.Errorf("%s: var %s at package level can hold state", fset.Position(name.Pos()), name.Name)
			}
		}
	}
}

func TestPackageStateIsFound(t *testing.T) {
	for source, want := range map[string]int{
		`var count int`: 1,
		`var m = map[string]int{}; func f() { m["a"]=1 }`:         1,
		`var m = map[string]int{"a": 1}`:                          0,
		`var ErrGone = errors.New("gone")`:                        0,
		`var _ I = T{}`:                                           0,
		"//go:embed x\nvar page []byte":                           0,
		`var mu sync.Mutex`:                                       1,
		`var now = time.Now`:                                      1,
		`var ErrGone = other.ErrGone`:                             0,
		`var ErrGone = other.ErrGone; func f() { ErrGone = nil }`: 1,
		`var ErrGone = other.Gone`:                                1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		changed := map[string]bool{}
		collectChanged(f, changed)
		if got := len(packageState(f, changed)); got != want {
			t.Errorf("%s: %d findings, want %d", source, got, want)
		}
	}
}

// packageState finds the variables of a file that can hold state. Allowed are
// error sentinels and second names of them, compiled expressions, embedded files,
// compile-time assertions, and unexported tables that nothing in the package
// changes.
func packageState(f *ast.File, changed map[string]bool) []*ast.Ident {
	var out []*ast.Ident
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				if name.Name == "_" || embedded(g, v) || (i < len(v.Values) && fixed(name, v.Values[i]) && !changed[name.Name]) {
					continue
				}
				out = append(out, name)
			}
		}
	}
	return out
}

func fixed(name *ast.Ident, value ast.Expr) bool {
	switch value := value.(type) {
	case *ast.CompositeLit:
		return !name.IsExported()
	case *ast.SelectorExpr:
		return strings.HasPrefix(name.Name, "Err") && strings.HasPrefix(value.Sel.Name, "Err")
	case *ast.CallExpr:
		sel, ok := value.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, _ := sel.X.(*ast.Ident)
		return pkg != nil && slices.Contains([]string{
			"errors.New", "fmt.Errorf", "regexp.MustCompile", "template.Must",
		}, pkg.Name+"."+sel.Sel.Name)
	}
	return false
}

// embedded looks at the raw comments: Text leaves directives out.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, group := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if group == nil {
			continue
		}
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// collectChanged notes the names that are assigned to, or whose address is taken.
func collectChanged(f *ast.File, into map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					into[rootName(l)] = true
				}
			}
		case *ast.IncDecStmt:
			into[rootName(n.X)] = true
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				into[rootName(n.X)] = true
			}
		}
		return true
	})
}

func rootName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}
