package sqlite

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"
)

// dsn builds the URI form of a data source name; the plain form would ignore
// mode=ro.
func dsn(path string, vfs string, params url.Values) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the absolute path of %s: %w", path, err)
	}
	if vfs != "" {
		params.Set("vfs", vfs)
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: absolute, RawQuery: params.Encode()}).String(), nil
}

// openWriter opens the pool of one connection that writes.
func openWriter(path string, o options) (*sql.DB, error) {
	params := url.Values{
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_busy_timeout": {milliseconds(o.busyTimeout)},
		"_auto_vacuum":  {"INCREMENTAL"},
		"_dqs":          {"0"},
		"_error_rc":     {"1"},
		"_pragma":       {"cache_size(-16384)", "journal_size_limit(67108864)", "temp_store(memory)", "mmap_size(0)"},
	}
	if o.litestream {
		params.Add("_pragma", "wal_autocheckpoint(0)")
	}
	return open(path, o.vfs, params, 1)
}

// openCheckpointer opens a pool of one connection for checkpoints only.
func openCheckpointer(path string, o options) (*sql.DB, error) {
	params := url.Values{
		"mode": {"rw"}, "_synchronous": {"FULL"}, "_error_rc": {"1"},
		"_busy_timeout": {milliseconds(o.busyTimeout)},
		"_pragma":       {"wal_autocheckpoint(0)", "mmap_size(0)"},
	}
	return open(path, o.vfs, params, 1)
}

// openReaders opens the pool that queries use; nothing can be written with it.
func openReaders(path string, o options) (*sql.DB, error) {
	params := url.Values{
		"mode":          {"ro"},
		"_query_only":   {"1"},
		"_busy_timeout": {milliseconds(o.busyTimeout)},
		"_dqs":          {"0"},
		"_error_rc":     {"1"},
		"_pragma":       {"cache_size(-8192)", "temp_store(memory)", "mmap_size(0)"},
	}
	if o.immutable(path) {
		params.Set("immutable", "1")
	}
	db, err := open(path, o.vfs, params, o.readers)
	if err == nil {
		db.SetConnMaxIdleTime(restAfter) // its cache takes up to 16 MB
	}
	return db, err
}

func open(path, vfs string, params url.Values, connections int) (*sql.DB, error) {
	name, err := dsn(path, vfs, params)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
