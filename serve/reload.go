package serve

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/key"
)

// Reload reads the settings again and applies what can change while the server runs:
// records that are new, retention, tokens and users. A pattern that was changed holds for
// the records that begin from then on. What else has changed waits for a restart: it is
// logged, and shown in /health until then. If the settings are wrong, those before stay in
// force, and /health says so until a Reload succeeds.
func (s *Server) Reload() error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	next, err := Load(s.settings.sources)
	if err == nil {
		err = s.apply(next)
	}
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		s.say("the settings were not reloaded, those before are in force: " + first)
		s.logger.Error("the settings were not reloaded; those before stay in force", "error", err)
		return err
	}
	return nil
}

// say sets what /health tells, "" for nothing.
func (s *Server) say(trouble string) {
	if trouble == "" {
		s.trouble.Store(nil)
		return
	}
	s.trouble.Store(&trouble)
}

// apply puts new settings in force. The settings that the server was started with stay
// those that later reloads are compared with, except for what has been applied.
func (s *Server) apply(next *Settings) error {
	added, changed := s.compareRecords(next)
	if s.settings.History != Off {
		if err := s.db.ReplaceRetention(next.retention(), next.HistoryAge, next.HistoryBytes); err != nil {
			return err
		}
	}
	if err := s.db.Access().Replace(next.Tokens, next.Users); err != nil {
		return err
	}
	var errs []error
	for _, r := range added {
		if err := s.register(r, next); err != nil {
			errs = append(errs, err)
		}
	}
	s.rules.Store(next.rules)
	later := append(s.compareRest(next), changed...)
	s.logger.Info("the settings were reloaded", "records_added", len(added)-len(errs), "waits_for_a_restart", later)
	s.say("")
	if len(later) > 0 {
		s.say("settings that wait for a restart: " + strings.Join(later, ", "))
	}
	return errors.Join(errs...)
}

// compareRecords returns the records with keys that are new, and names those that have
// changed or are gone.
func (s *Server) compareRecords(next *Settings) (added []*rule, changed []string) {
	for _, r := range next.rules.keys {
		old := s.registered[key.Normalize(r.Key)]
		switch {
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
	slices.Sort(changed)
	return added, changed
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
	slices.Sort(changed)
	return changed
}
