package serve

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/key"
)

// Reload reads the settings again and applies what can change while the server runs:
// records that are new, retention, tokens and users. A pattern that was changed holds for
// the records that begin from then on. What else has changed waits for a restart: it is
// logged, and shown in /health until then. A record that cannot be added is an error, which
// /health shows too; all else is applied. If the settings are wrong, those before stay in
// force, and /health says so until a Reload succeeds. The first token or user is refused
// while a NATS listener lets everybody in, since that one cannot be closed without a restart.
func (s *Server) Reload() error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := Load(s.settings.sources)
	if err == nil {
		err = s.replace(next)
	}
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		s.say("the settings were not reloaded, those before are in force: " + first)
		s.logger.Error("the settings were not reloaded; those before stay in force", "error", err)
		return err
	}
	return s.add(next)
}

// doors returns the listeners of tokens and users, and that of NATS, with their addresses.
func (s *Server) doors() (open []string) {
	a := s.db.Addresses()
	for _, door := range []struct{ name, address string }{{"nats", a.NATS}, {"http", a.HTTP}, {"tcp", a.TCP}} {
		if door.address != "" {
			open = append(open, door.name+" "+door.address)
		}
	}
	for _, p := range s.extra {
		open = append(open, p.name+" "+p.address)
	}
	return open
}

// say sets what /health tells, "" for nothing.
func (s *Server) say(trouble string) {
	if trouble == "" {
		s.trouble.Store(nil)
		return
	}
	s.trouble.Store(&trouble)
}

// replace puts the limits of the history, the tokens and the users in force, all or none.
func (s *Server) replace(next *Settings) error {
	if s.settings.NATS != "" && s.settings.NATSAccess.Everybody() && len(next.Tokens)+len(next.Users) > 0 {
		return fmt.Errorf("%s: the NATS listener on %s lets everybody in until a restart, and tokens and users would close the others only; "+
			"until you restart the server with these settings, everybody is let in at %s", next.source(), s.db.Addresses().NATS, strings.Join(s.doors(), ", "))
	}
	if s.settings.History != Off {
		if err := s.db.ReplaceRetention(next.retention(), next.HistoryAge, next.HistoryBytes); err != nil {
			return err
		}
	}
	return s.db.Access().Replace(next.Tokens, next.Users)
}

// add begins the new records, and says what waits for a restart. The settings that the
// server was started with stay those that later reloads are compared with, except for what
// has been applied.
func (s *Server) add(next *Settings) error {
	added, later := s.compareRecords(next)
	s.rules.Store(next.rules)
	var errs []error
	var troubles []string
	for _, r := range added {
		if err := s.register(r, next); err != nil {
			err = fmt.Errorf("the record %s was not added: %w", r.Key, withSetting(err))
			first, _, _ := strings.Cut(err.Error(), "\n")
			errs, troubles = append(errs, err), append(troubles, first)
		}
	}
	later = append(later, s.compareRest(next)...)
	slices.Sort(later)
	s.logger.Info("the settings were reloaded", "records_added", len(added)-len(errs), "waits_for_a_restart", later)
	if len(later) > 0 {
		troubles = append(troubles, "settings that wait for a restart: "+strings.Join(later, ", "))
	}
	err := errors.Join(errs...)
	if err != nil {
		s.logger.Error("records were not added; the other settings were reloaded", "error", err)
	}
	s.say(strings.Join(troubles, "; "))
	return err
}

// withSetting names the setting in an error about event times.
func withSetting(err error) error {
	if errors.Is(err, aimdb.ErrEventTimes) {
		return fmt.Errorf("%w (setting migrate_at_start: true, or aimdb serve --set migrate_at_start=true, for one start)", err)
	}
	return err
}

// compareRecords returns the records with keys that are new, and names those that have
// changed or are gone.
func (s *Server) compareRecords(next *Settings) (added []*rule, changed []string) {
	for _, r := range next.rules.keys {
		old := s.registered[key.Normalize(r.Key)]
		switch {
		case old == nil && s.begun(r.Key): // by a pattern
			changed = append(changed, "record "+r.Key)
		case old == nil:
			added = append(added, r)
		case !sameRecord(old, r):
			changed = append(changed, "record "+r.Key)
		}
	}
	for name, r := range s.registered {
		if next.rules.byKey[name] == nil {
			changed = append(changed, "record "+r.Key)
		}
	}
	return added, changed
}

// begun reports whether there is a record with a key.
func (s *Server) begun(name string) bool {
	_, has := s.db.Registry().Lookup(name)
	return has
}

// sameRecord compares what cannot change while a record is there.
func sameRecord(a, b *rule) bool {
	x, y := a.Record, b.Record
	x.Retention, y.Retention = aimdb.Retention{}, aimdb.Retention{}
	return reflect.DeepEqual(x, y)
}

// compareRest names the other settings that differ from those of the start.
func (s *Server) compareRest(next *Settings) (changed []string) {
	applied := []string{"records", "retention", "history_age", "history_bytes", "tokens", "users"}
	old, now := reflect.ValueOf(s.settings.Config), reflect.ValueOf(next.Config)
	for _, f := range fieldsOf(old.Type()) {
		if slices.Contains(applied, f.name) {
			continue
		}
		if !reflect.DeepEqual(old.FieldByIndex(f.index).Interface(), now.FieldByIndex(f.index).Interface()) {
			changed = append(changed, f.name)
		}
	}
	return changed
}
