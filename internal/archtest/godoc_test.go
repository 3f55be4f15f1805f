package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parse reads the files of a package with their comments.
func parse(t *testing.T, p listed) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return fset, files
}

// TestPackageDocs: every package says what it promises, in doc.go.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(p.GoFiles, "doc.go") && p.Name != "main" {
			t.Errorf("%s has no doc.go", p.path())
			continue
		}
		_, files := parse(t, p)
		documented := false
		for _, f := range files {
			documented = documented || strings.TrimSpace(f.Doc.Text()) != ""
		}
		if !documented {
			t.Errorf("%s has no package comment", p.path())
		}
	}
}

// TestExportedNamesHaveDocs: every exported name has a comment in sentences.
func TestExportedNamesHaveDocs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" {
			continue
		}
		fset, files := parse(t, p)
		for _, f := range files {
			for _, name := range undocumented(f) {
				t.Errorf("%s: %s has no comment, or none that is a sentence", fset.Position(name.Pos()), name.Name)
			}
		}
	}
}

func undocumented(f *ast.File) []*ast.Ident {
	var out []*ast.Ident
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) && !sentence(d.Doc) {
				out = append(out, d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				out = append(out, undocumentedSpec(d, s)...)
			}
		}
	}
	return out
}

// undocumentedSpec accepts the comment of a group for each of its names.
func undocumentedSpec(d *ast.GenDecl, s ast.Spec) []*ast.Ident {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && !sentence(d.Doc, s.Doc) {
			return []*ast.Ident{s.Name}
		}
	case *ast.ValueSpec:
		if sentence(d.Doc, s.Doc, s.Comment) {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(s.Names), func(n *ast.Ident) bool { return !n.IsExported() })
	}
	return nil
}

func sentence(groups ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(groups, func(g *ast.CommentGroup) bool {
		return strings.ContainsAny(g.Text(), ".:")
	})
}

// exportedReceiver is true for functions, and for methods of exported types.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			exported = id.IsExported()
			return false
		}
		_, index := n.(*ast.IndexExpr)
		_, indexes := n.(*ast.IndexListExpr)
		_, star := n.(*ast.StarExpr)
		return !exported && (index || indexes || star)
	})
	return exported
}
