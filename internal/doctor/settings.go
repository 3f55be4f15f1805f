package doctor

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/disk"
	"github.com/aimdb-go/aimdb/serve"
)

const (
	// renewIn is how long before its end a certificate should be renewed.
	renewIn = 30 * 24 * time.Hour
	// leastLogAge is longer than most outages of a history.
	leastLogAge = 24 * time.Hour
)

// Wrong returns the findings of settings that cannot be loaded.
func Wrong(path string, err error) []Finding {
	r := &report{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.problem("settings", cmp.Or(path, "the settings"), "correct it; 'aimdb config check' shows it too", "%s", strings.TrimSpace(line))
	}
	return r.all
}

// Defaults returns the finding that precedes settings for which no file is given.
func Defaults() []Finding {
	r := &report{}
	r.warn("settings", "no --config", "give the file of the server with --config, or ask the server with --connect",
		"what follows are the defaults and the environment of this command; a running server may have other settings and listeners")
	return r.all
}

// PlaceOf returns where settings keep things.
func PlaceOf(s *serve.Settings, now time.Time) Place {
	p := Place{Dir: s.Dir, History: s.HistoryFile(), OtherLog: s.Log != nil, LogBytes: uint64(cmp.Or(s.LogBytes, aimdb.DefaultLogBytes)), Now: now}
	if p.Dir != "" {
		p.Backups = filepath.Join(p.Dir, "backups")
	}
	if b := s.Backup; b != (aimdb.BackupConfig{}) {
		p.Backups, p.Every = cmp.Or(b.Dir, p.Backups), cmp.Or(b.Every, 24*time.Hour)
	}
	return p
}

// Settings looks at settings that can be loaded.
func Settings(s *serve.Settings, now time.Time) []Finding {
	r := &report{now: now}
	r.ok("settings", "dir, "+s.GivenAt("dir"), "they are right; the directory is %s", s.Dir)
	for _, warning := range s.Warnings {
		r.warn("settings", "the environment", "correct or unset it", "%s", warning)
	}
	r.listeners(s)
	for _, one := range []struct {
		setting string
		files   aimdb.TLSFiles
	}{{"tls", s.TLS}, {"nats_tls", s.NATSTLS}, {"mqtt_tls", s.MQTTTLS}, {"nats_access", aimdb.TLSFiles{CertFile: s.NATSAccess.CertFile, CAFile: s.NATSAccess.CAFile}}} {
		r.certificate(s, one.setting+".cert_file", one.files.CertFile)
		r.certificate(s, one.setting+".ca_file", one.files.CAFile)
	}
	r.limits(s)
	r.backupSettings(s)
	return r.all
}

// listeners finds those that others can reach and that ask for nothing.
func (r *report) listeners(s *serve.Settings) {
	named := len(s.Tokens)+len(s.Users) > 0
	for _, l := range []struct {
		setting, address string
		guarded, sealed  bool
	}{
		{"http", s.HTTP, named, s.TLS.CertFile != ""},
		{"tcp", s.TCP, named, s.TLS.CertFile != ""},
		{"mqtt", s.MQTT, named, s.MQTTTLS.CertFile+s.TLS.CertFile != ""},
		{"nats", s.NATS, !s.NATSAccess.Everybody(), s.NATSTLS.CertFile+s.TLS.CertFile+s.NATSAccess.CertFile != ""},
	} {
		where := l.setting + ", " + s.GivenAt(l.setting)
		switch {
		case l.address == "":
		case onLoopback(l.address):
			r.ok("listeners", where, "%s is reached from this machine only", l.address)
		case !l.guarded:
			r.problem("listeners", where, "add tokens or users (nats_access for NATS; 'aimdb token' makes one), or listen on 127.0.0.1", "everybody who reaches %s is let in", l.address)
		case !l.sealed:
			r.warn("listeners", where, "give certificates in tls, or listen on 127.0.0.1", "what goes to %s, tokens too, is not encrypted", l.address)
		default:
			r.ok("listeners", where, "%s is encrypted and asks who comes", l.address)
		}
	}
}

func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || host == "localhost" || ip != nil && ip.IsLoopback())
}

// certificate looks at when a certificate ends.
func (r *report) certificate(s *serve.Settings, setting, path string) {
	if path == "" {
		return
	}
	where := fmt.Sprintf("%s (%s, %s)", path, setting, s.GivenAt(setting))
	text, err := os.ReadFile(path)
	if err != nil {
		r.problem("certificates", where, "give the right path, and let the user of the database read it", "%v", err)
		return
	}
	block, _ := pem.Decode(text)
	if block == nil {
		r.problem("certificates", where, "give a PEM file of a certificate", "it holds no PEM block")
		return
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		r.problem("certificates", where, "give a PEM file of a certificate", "%v", err)
	case r.now.After(cert.NotAfter):
		r.problem("certificates", where, "renew it and restart the server", "it ended at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	case r.now.Before(cert.NotBefore):
		r.problem("certificates", where, "see whether the clock is right", "it begins at %s", cert.NotBefore.UTC().Format(time.RFC3339))
	case cert.NotAfter.Sub(r.now) < renewIn:
		r.warn("certificates", where, "renew it and restart the server", "it ends at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	default:
		r.ok("certificates", where, "it ends at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
}

// limits looks at what the log and the history keep.
func (r *report) limits(s *serve.Settings) {
	if s.LogAge > 0 && s.LogAge < leastLogAge {
		r.warn("log_age", "log_age, "+s.GivenAt("log_age"), "raise it above the longest outage of the history or a sink", "the log keeps values for %v; what is not stored by then is lost", s.LogAge)
	}
	if s.History == serve.Off {
		return
	}
	bounded := s.HistoryAge > 0 || s.HistoryBytes > 0
	for _, policy := range s.Retention {
		bounded = bounded || policy.Pattern == "#" && !policy.Forever
	}
	if bounded {
		r.ok("retention", "history_age, history_bytes and retention", "the history is limited")
		return
	}
	left := ""
	if space, err := disk.SpaceOf(cmp.Or(filepath.Dir(s.HistoryFile()), ".")); err == nil && s.HistoryFile() != "" {
		left = "; its disk has " + size(space.Free) + " free"
	}
	r.warn("retention", "history_age, "+s.GivenAt("history_age"), "set history_bytes or history_age", "the history keeps everything for ever%s", left)
}

func (r *report) backupSettings(s *serve.Settings) {
	where := "backup, " + s.GivenAt("backup")
	file := s.HistoryFile()
	if file == "" {
		return // PostgreSQL has its own, or there is nothing to back up
	}
	if s.Backup == (aimdb.BackupConfig{}) {
		r.warn("backup", where, "set backup: {every: 1d, dir: …}, on another disk", "the history is not backed up")
		return
	}
	same, err := sameFileSystem(PlaceOf(s, r.now).Backups, filepath.Dir(file))
	if same && err == nil {
		r.warn("backup", where, "give backup.dir on another disk", "the backups are on the file system of the history, and are lost with it")
	} else if err == nil || errors.Is(err, errors.ErrUnsupported) {
		r.ok("backup", where, "backups are made")
	}
}
