package access

import (
	"slices"

	"github.com/aimdb-go/aimdb/key"
)

// Grants are what somebody may do. Nil grants allow everything, for a unix socket, for
// example, where the mode of its file decides who may connect.
type Grants struct {
	everything  bool
	read, write []key.Pattern
	revoked     chan struct{}
}

// NewGrants returns grants by patterns of the records that may be read and set. None
// grants nothing. They are never revoked.
func NewGrants(read, write []key.Pattern) *Grants { return &Grants{read: read, write: write} }

// Everything reports whether nothing is withheld.
func (g *Grants) Everything() bool { return g == nil || g.everything }

// Reads reports whether they cover reading a record.
func (g *Grants) Reads(record string) bool { return g.Everything() || cover(g.read, record) }

// Writes reports whether they cover setting a record.
func (g *Grants) Writes(record string) bool { return g.Everything() || cover(g.write, record) }

func cover(patterns []key.Pattern, record string) bool {
	return slices.ContainsFunc(patterns, func(p key.Pattern) bool { return p.Grants(record) })
}

// ReadsAll reports whether they cover every record that a pattern can match.
func (g *Grants) ReadsAll(asked key.Pattern) bool { return g.Everything() || coverAll(g.read, asked) }

// WritesAll reports whether they cover setting every record that a pattern can match.
func (g *Grants) WritesAll(asked key.Pattern) bool {
	return g.Everything() || coverAll(g.write, asked)
}

func coverAll(patterns []key.Pattern, asked key.Pattern) bool {
	return slices.ContainsFunc(patterns, func(p key.Pattern) bool { return p.GrantsPattern(asked) })
}

// Revoked returns a channel that is closed when [List.Replace] removed or changed the
// grants. It is nil for grants that no list made.
func (g *Grants) Revoked() <-chan struct{} {
	if g == nil {
		return nil
	}
	return g.revoked
}

// IsRevoked reports whether Revoked is closed.
func (g *Grants) IsRevoked() bool {
	select {
	case <-g.Revoked():
		return true
	default:
		return false
	}
}

// patterns parses patterns that were checked.
func patterns(texts []string) []key.Pattern {
	all := make([]key.Pattern, 0, len(texts))
	for _, text := range texts {
		all = append(all, key.WirePattern(text))
	}
	return all
}
