package docfile

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

var update = Flag()

// TestReferenceOfComments: the documents of protocols are the comments of their packages.
func TestReferenceOfComments(t *testing.T) {
	for document, d := range map[string]struct {
		title    string
		packages []string
	}{
		"aimx.md":     {"AimX: methods and frames", []string{"aimx/gateway"}},
		"subjects.md": {"NATS: subjects, requests and who may read", []string{"bus", "bus/natsd", "aimx/natsservice"}},
		"mqtt.md":     {"MQTT: topics, sessions and acknowledgements", []string{"mqtt"}},
	} {
		var b strings.Builder
		b.WriteString("# " + d.title + "\n\nMade from the comments of the packages by TestReferenceOfComments of `internal/docfile`.\n")
		for _, p := range d.packages {
			b.WriteString("\n## Package " + p + "\n\n" + markdown(t, "../../"+p+"/doc.go"))
		}
		Check(t, update, "../../docs/reference/"+document, b.String())
	}
}

// markdown returns the comment of a package.
func markdown(t *testing.T, path string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	printer := comment.Printer{HeadingLevel: 3, HeadingID: func(*comment.Heading) string { return "" },
		DocLinkURL: func(*comment.DocLink) string { return "" }}
	var p comment.Parser
	return string(printer.Markdown(p.Parse(file.Doc.Text())))
}
