package serve

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// hidden stands for a secret.
const hidden = "(hidden)"

// Print writes the settings that are in force as YAML, each with a comment that says where
// it was given. Secrets are hidden.
func (s *Settings) Print(w io.Writer) error {
	p := printer{w: bufio.NewWriter(w), plain: regexp.MustCompile(`^[a-z][a-z0-9_]*$`)}
	p.group(s.tree, "", "")
	return p.w.Flush()
}

// printer writes settings. Its writer keeps the first error.
type printer struct {
	w     *bufio.Writer
	plain *regexp.Regexp
}

func (p printer) group(n *node, path, indent string) {
	for i, m := range n.members {
		if i > 0 || path == "" || !strings.HasSuffix(path, "]") {
			fmt.Fprint(p.w, indent)
		}
		fmt.Fprintf(p.w, "%s:", p.scalar(m.name))
		p.value(m.value, join(path, m.name), indent)
	}
}

// value writes a value after its name, and ends the line.
func (p printer) value(n *node, path, indent string) {
	switch {
	case n.kind == group && len(n.members) > 0:
		fmt.Fprintln(p.w)
		p.group(n, path, indent+"  ")
	case n.kind == list && len(n.list) > 0:
		fmt.Fprintln(p.w)
		for i, e := range n.list {
			fmt.Fprintf(p.w, "%s  -", indent)
			if e.kind == group && len(e.members) > 0 {
				fmt.Fprint(p.w, " ")
				p.group(e, at(path, i), indent+"    ")
				continue
			}
			p.value(e, at(path, i), indent+"  ")
		}
	case n.kind == group:
		p.line(n, "{}")
	case n.kind == list:
		p.line(n, "[]")
	default:
		p.line(n, p.shown(n, path))
	}
}

func (p printer) line(n *node, text string) { fmt.Fprintf(p.w, " %s  # %s\n", text, n.at) }

// shown returns a scalar without secrets.
func (p printer) shown(n *node, path string) string {
	if n.kind != text {
		return n.text
	}
	return p.scalar(withoutSecret(n.text, path))
}

func (p printer) scalar(s string) string {
	if p.plain.MatchString(s) && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "y", "n"}, s) {
		return s
	}
	return string(appendQuoted(nil, s))
}

// withoutSecret returns what may be shown of a setting.
func withoutSecret(value, path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	switch {
	case isPostgres(value) && name == "history":
		if at, err := postgres.ParseDSN(value); err == nil {
			return at.String()
		}
		return hidden
	case name == "history":
		return value
	case isSecret(name, reflect.TypeFor[string]()), strings.HasPrefix(path, "nats_access.users."), strings.HasPrefix(path, "otel.headers."):
		return hidden
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if _, has := u.User.Password(); !has { // NATS takes it for a token
			u.User = url.User("xxxxx")
		}
		return u.Redacted()
	}
	return value
}
