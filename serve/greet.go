package serve

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Greet writes where the data is, what listens, and how to set a value.
func (s *Server) Greet(w io.Writer) error {
	var b strings.Builder
	a, c := s.db.Addresses(), s.settings
	say := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s%s\n", label, fmt.Sprintf(format, args...))
	}
	from := "the settings of aimdb serve, without a file"
	if c.sources.Path != "" {
		from = c.sources.Path
	}
	fmt.Fprintf(&b, "Database %s, by %s\n", s.db.Name(), from)
	history := c.historyPath()
	if c.History == Off {
		history = "off; values are kept in memory only"
	}
	say("history", "%s", history)
	if c.Dir != "" {
		say("data", "%s", c.Dir)
	}
	secure := ""
	if c.TLS.CertFile != "" {
		secure = "s"
	}
	if a.HTTP != "" {
		say("http", "http%s://%s/console/ in a browser, the API at /api, AimX at /ws", secure, a.HTTP)
	}
	if a.TCP != "" {
		say("tcp", "tcp%s://%s", secure, a.TCP)
	}
	for _, socket := range a.Gateways {
		say("aimx", "%s", socket)
	}
	if a.NATS != "" {
		say("nats", "nats://%s, set by publishing to aimdb.%s.set.KEY", a.NATS, s.db.Name())
	}
	for _, p := range s.extra {
		say(p.name, "%s", p.address)
	}
	s.example(&b, secure, a.HTTP)
	_, err := io.WriteString(w, b.String())
	return err
}

// settable returns a key that a client may begin: the usual one, or one of a pattern. It
// returns "" if there is none.
func (s *Server) settable(usual string) string {
	candidates := []string{usual}
	for _, r := range s.settings.rules.patterns {
		candidates = append(candidates, strings.NewReplacer("*", "example", "#", "example").Replace(r.Pattern))
	}
	for _, name := range candidates {
		if r := s.settings.rules.find(name); r != nil && r.Pattern != "" {
			return name
		}
	}
	return ""
}

// example shows how to set a value that the settings take.
func (s *Server) example(b *strings.Builder, secure, web string) {
	key := "room.temperature"
	keys := s.settings.rules.keys
	if i := slices.IndexFunc(keys, func(r *rule) bool { return yes(r.Remote) && yes(r.Writable) }); i >= 0 {
		key = keys[i].Key
	} else if key = s.settable(key); key == "" {
		return
	}
	if web != "" {
		login := ""
		if !s.db.Access().Open() {
			login = " -H 'Authorization: Bearer TOKEN'"
		}
		fmt.Fprintf(b, "Set a value: curl -X PUT http%s://%s/api/records/%s%s -d '{\"celsius\": 21.5}'\n", secure, web, key, login)
		return
	}
	fmt.Fprintf(b, "Set a value: aimdb record set %s '{\"celsius\": 21.5}'\n", key)
}
