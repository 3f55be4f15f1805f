package bus

import (
	"strings"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// The third token of a subject is the kind of its messages. Logged values have the
// kind log if their record is Remote, and private otherwise.
const (
	logKind     = "log"
	privateKind = "private"
	liveKind    = "live"
	lossKind    = "loss"
)

// LogSubject returns the subject of the messages of the log that clients from outside
// may read: the values of Remote records.
func LogSubject(database string) string { return subjects{database}.all(logKind) }

// ReadSubjects returns the subjects that clients from outside may subscribe to: those
// of the values of Remote records. Losses are not among them, since they name private
// records too.
func ReadSubjects(database string) []string {
	return []string{LogSubject(database), subjects{database}.all(liveKind)}
}

// valueKind returns the kind of the logged values of a record.
func valueKind(r *records.Untyped) string {
	if r.Config().Remote {
		return logKind
	}
	return privateKind
}

// subjects builds the subjects of one database.
type subjects struct{ database string }

func (s subjects) prefix(kind string) string { return "aimdb." + s.database + "." + kind + "." }

// of returns the subject of a record, whose segments become its tokens.
func (s subjects) of(kind string, segments []string) string {
	var b strings.Builder
	b.WriteString("aimdb.")
	b.WriteString(s.database)
	b.WriteByte('.')
	b.WriteString(kind)
	for _, segment := range segments {
		b.WriteByte('.')
		b.WriteString(key.Token(segment))
	}
	return b.String()
}

// all returns the subject that matches every record of a kind.
func (s subjects) all(kind string) string { return s.prefix(kind) + ">" }

// kind returns the kind of a subject, and "" for a subject of another database.
func (s subjects) kind(subject string) string {
	rest, ok := strings.CutPrefix(subject, "aimdb."+s.database+".")
	if !ok {
		return ""
	}
	kind, _, _ := strings.Cut(rest, ".")
	return kind
}

// validToken reports whether a name can be part of a subject, a stream name and a
// file name without escaping.
func validToken(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
