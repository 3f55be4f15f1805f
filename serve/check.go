package serve

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/schema"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// maxCapacity is the largest ring.
const maxCapacity = 1 << 24

// checker collects what contradicts itself.
type checker struct {
	*Settings
	errs []*placed
}

// check checks the settings, and makes the rules of the records.
func (s *Settings) check() error {
	c := &checker{Settings: s}
	c.history()
	c.listeners()
	c.tls()
	c.guards()
	c.requireToken()
	c.otel()
	c.records()
	c.limits()
	if len(c.errs) == 0 {
		if err := s.database(stand{}).Check(); err != nil {
			return fmt.Errorf("%s: %w", s.source(), err)
		}
	}
	return joined(c.errs)
}

// stand stands for the history that is opened later.
type stand struct{ aimdb.Backend }

// source is how errors call the settings as a whole.
func (s *Settings) source() string {
	if s.sources.Path == "" {
		return "the settings"
	}
	return s.sources.Path
}

// fail notes an error about the setting with a path.
func (c *checker) fail(path, format string, args ...any) {
	at, ok := c.places[path]
	for parent := path; !ok && parent != ""; at, ok = c.places[parent] {
		parent = parent[:max(0, strings.LastIndexAny(parent, ".["))]
	}
	if !ok {
		at.source = c.source()
	}
	c.errs = append(c.errs, &placed{at, fmt.Errorf("%s: %w", path, fmt.Errorf(format, args...))})
}

func isPostgres(history string) bool {
	return strings.HasPrefix(history, "postgres://") || strings.HasPrefix(history, "postgresql://")
}

func (c *checker) history() {
	switch {
	case isPostgres(c.History):
		if _, err := postgres.ParseDSN(c.History); err != nil {
			c.fail("history", "%w", err)
		}
	case strings.Contains(c.History, "://"):
		scheme, _, _ := strings.Cut(c.History, "://")
		c.fail("history", "%s:// is no kind of history; give the path of a SQLite file, postgres://…, or off", scheme)
	case c.History == "" && c.Dir == "":
		c.fail("history", "there is no dir that could hold it; give the path of a SQLite file, postgres://…, or off")
	}
	switch given := c.Backup != (aimdb.BackupConfig{}); {
	case given && isPostgres(c.History):
		c.fail("backup", "a history in PostgreSQL is backed up with the tools of PostgreSQL, such as pg_dump; leave this out")
	case given && c.History == Off:
		c.fail("backup", "there is no history to back up; leave one out")
	}
}

// listeners refuses two listeners on one address.
func (c *checker) listeners() {
	var taken []listener
	for _, l := range c.addresses() {
		host, port, err := net.SplitHostPort(l.address)
		if err != nil {
			c.fail(l.setting, "%w; write host:port, such as 127.0.0.1:8080, or off", err)
			continue
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			c.fail(l.setting, "%q is no port; write host:port, such as 127.0.0.1:8080, or off", port)
			continue
		}
		for _, other := range taken {
			h, p, _ := net.SplitHostPort(other.address)
			if p == port && port != "0" && (host == h || everywhere(host) || everywhere(h)) {
				c.fail(l.setting, "%s is the address of %s too; give each listener its own", l.address, other.setting)
			}
		}
		taken = append(taken, listener{l.setting, net.JoinHostPort(host, port)})
	}
	for i, path := range c.Gateways {
		if slices.Contains(c.Gateways[:i], path) {
			c.fail(at("gateways", i), "%s is given twice", path)
		}
	}
}

func everywhere(host string) bool { return host == "0.0.0.0" || host == "::" }

// listener is the address of a setting.
type listener struct{ setting, address string }

// addresses returns the listeners that are on. One without a host is on loopback.
func (s *Settings) addresses() []listener {
	all := []listener{{"http", s.HTTP}, {"tcp", s.TCP}, {"nats", s.NATS}, {"mqtt", s.MQTT}}
	all = slices.DeleteFunc(all, func(l listener) bool { return l.address == "" })
	for i, l := range all {
		all[i].address = onLoopback(l.address)
	}
	return all
}

// onLoopback returns an address with the host 127.0.0.1 if it has none.
func onLoopback(address string) string {
	if strings.HasPrefix(address, ":") {
		return "127.0.0.1" + address
	}
	return address
}

func (c *checker) tls() {
	if err := c.MQTTClients.Check(); err != nil {
		c.fail("mqtt_clients", "%w", err)
	}
	none := aimdb.TLSFiles{}
	for _, one := range []struct {
		setting string
		files   aimdb.TLSFiles
		on      bool
		lacking string
	}{
		{"tls", c.TLS, len(c.addresses()) > 0, "http, tcp, nats or mqtt"},
		{"nats_tls", c.NATSTLS, c.NATS != "", "nats"},
		{"mqtt_tls", c.MQTTTLS, c.MQTT != "", "mqtt"},
	} {
		switch {
		case one.files == none:
		case !one.on:
			c.fail(one.setting, "certificates are given and no listener uses them; add %s, or leave them out", one.lacking)
		case one.files.CertFile == "" || one.files.KeyFile == "":
			c.fail(one.setting, "cert_file and key_file belong together; give both")
		}
	}
	if c.NATSTLS != none && c.NATSAccess.CertFile != "" {
		c.fail("nats_tls", "the certificates of nats_access are given too; leave one out")
	}
}

// guards refuses a NATS listener that lets everybody in where clients must present
// something elsewhere.
func (c *checker) guards() {
	if c.NATS != "" && c.NATSAccess.Everybody() && len(c.Tokens)+len(c.Users) > 0 {
		c.fail("nats", "clients elsewhere must present a token or a password, and NATS clients need nothing; say in nats_access what they must present, or turn it off")
	}
}

// otel checks where spans are sent.
func (c *checker) otel() {
	switch {
	case c.Otel.Endpoint != "":
		if _, err := tracesURL(c.Otel.Endpoint); err != nil {
			c.fail("otel.endpoint", "%w", err)
		}
	case len(c.Otel.Headers) > 0:
		c.fail("otel", "headers are given and no endpoint; add it, such as http://127.0.0.1:4318, or leave this out")
	}
}

// limits checks numbers that the database learns of too late.
func (c *checker) limits() {
	if c.MaxRecords < 0 {
		c.fail("max_records", "%d records cannot begin; give a positive number", c.MaxRecords)
	}
	for i, one := range c.Retention {
		if p, err := key.ParsePattern(one.Pattern); err == nil { // the database refuses others
			c.limit(at("retention", i), p, one.Retention)
		}
	}
	for _, r := range c.rules.keys {
		c.limit(r.at+".retention", key.WirePattern(r.Key), r.Retention)
	}
	for _, r := range c.rules.patterns {
		c.limit(r.at+".retention", r.pattern, r.Retention)
	}
}

// limit checks the limits of the history of a pattern.
func (c *checker) limit(path string, p key.Pattern, r aimdb.Retention) {
	_, given := c.places[path]
	policy := history.Policy{Pattern: p, MaxAge: r.MaxAge, MaxRows: r.MaxRows, MaxBytes: r.MaxBytes, Forever: r.Forever}
	if err := policy.Validate(); err != nil && given {
		c.fail(path, "%w", err)
	}
}

// records checks the records and makes their rules.
func (c *checker) records() {
	r := &rules{byKey: map[string]*rule{}}
	for i, record := range c.Records {
		one := &rule{Record: record, at: at("records", i)}
		if !c.name(one) {
			continue
		}
		c.options(one)
		c.schema(one)
		if one.Key == "" {
			if twin := twin(r.patterns, one); twin != nil {
				c.fail(one.at+".pattern", "%q is declared at %s too; two patterns that match the same keys equally well cannot both count", one.Pattern, c.places[twin.at])
			}
			r.patterns = append(r.patterns, one)
			continue
		}
		if twin := r.byKey[key.Normalize(one.Key)]; twin != nil {
			c.fail(one.at+".key", "%q is declared at %s too, as %q; declare it once", one.Key, c.places[twin.at], twin.Key)
		}
		r.byKey[key.Normalize(one.Key)] = one
		r.keys = append(r.keys, one)
	}
	c.rules = r
}

// twin returns a rule whose pattern is the same in another spelling.
func twin(all []*rule, one *rule) *rule {
	for _, other := range all {
		if key.Normalize(other.Pattern) == key.Normalize(one.Pattern) {
			return other
		}
	}
	return nil
}

// name checks the key or the pattern of a record.
func (c *checker) name(r *rule) bool {
	if (r.Key == "") == (r.Pattern == "") {
		c.fail(r.at, "a record has a key or a pattern, one of them")
		return false
	}
	var err error
	setting := ".key"
	if r.Key != "" {
		_, err = key.Parse(r.Key)
	} else {
		setting = ".pattern"
		r.pattern, err = key.ParsePattern(r.Pattern)
	}
	if err != nil {
		c.fail(r.at+setting, "%w", err)
	}
	if r.Pattern != "" && err == nil && !(yes(r.Writable) && yes(r.Remote)) {
		c.fail(r.at, "a record with a pattern begins when a client sets it; leave writable: false and remote: false out, or give the records their keys")
	}
	return err == nil
}

func (c *checker) options(r *rule) {
	refuse := func(wrong bool, setting, format string, args ...any) {
		if wrong {
			c.fail(r.at+setting, format, args...)
		}
	}
	r.persist = yes(r.Persist)
	if c.History == Off {
		refuse(r.Persist != nil && *r.Persist, ".persist", "there is no history to persist to; give history, or leave this out")
		r.persist = false
	}
	refuse(!slices.Contains([]string{"", "latest", "ring", "mailbox"}, r.Buffer), ".buffer", "%q is no buffer; write latest, ring or mailbox", r.Buffer)
	refuse(r.Capacity < 0, ".capacity", "%d values cannot be kept; give a positive number", r.Capacity)
	refuse(r.Capacity > maxCapacity, ".capacity", "%d values would be kept in memory; give at most %d", r.Capacity, maxCapacity)
	refuse(r.Buffer == "ring" && r.Capacity == 0, ".buffer", "a ring needs a capacity, the number of values that it keeps")
	refuse(r.Capacity > 0 && r.Buffer != "" && r.Buffer != "ring", ".capacity", "%s keeps one value; write buffer: ring", r.Buffer)
	refuse(r.Durable && !c.DurableLog, ".durable", "the log does not sync before it acknowledges; set durable_log: true")
	refuse(r.Lossless && !r.persist, ".lossless", "nobody waits for a record that is not persisted; leave one out")
	refuse(r.Retention != aimdb.Retention{} && !r.persist, ".retention", "the record has no history that could be limited; leave one out")
	refuse(r.Unit != "" && r.Signal == nil, ".unit", "it is the unit of the number that signal names; add signal, such as /celsius")
	refuse(r.Time != nil && !r.persist, ".time", "the time of a value is where it is kept in history; leave it out, or persist the record")
	if r.Time != nil {
		var err error
		r.when, err = parsePointer(*r.Time)
		refuse(err != nil, ".time", "%q: %w", *r.Time, err)
	}
	if !yes(r.Remote) && yes(r.Writable) {
		refuse(r.Writable != nil, ".writable", "a writable record is remote; leave one out")
		off := false
		r.Writable = &off
	}
	if r.Signal != nil {
		var err error
		r.number, err = parsePointer(*r.Signal)
		refuse(err != nil, ".signal", "%q: %w", *r.Signal, err)
	}
}

// schema compiles the schema of a record.
func (c *checker) schema(r *rule) {
	if len(r.Schema) == 0 {
		return
	}
	dir := filepath.Dir(c.sources.Path)
	var path string
	var err error
	if json.Unmarshal(r.Schema, &path) == nil {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		r.schema, err = schema.Load(path, "")
	} else {
		r.schema, err = schema.Compile("of "+r.name(), r.Schema, dir)
	}
	if err != nil {
		c.fail(r.at+".schema", "%w", err)
	}
}
