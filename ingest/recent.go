package ingest

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// recentRefusals is how many refusals are kept.
	recentRefusals = 64
	// recentBytes bounds each text of one.
	recentBytes = 512
)

// Refused is a value that was refused.
type Refused struct {
	Time time.Time
	// Via is the way in, "" if it did not say: see [Writer.Via].
	Via string
	Refusal
}

// recent keeps the last refusals.
type recent struct {
	mu  sync.Mutex
	all []Refused
}

func (r *recent) add(one Refused) {
	for _, text := range []*string{&one.Record, &one.Path, &one.Reason} {
		if len(*text) > recentBytes {
			*text = strings.ToValidUTF8((*text)[:recentBytes], "") + "…"
		}
		*text = strings.Clone(*text) // it may be part of a large message
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == recentRefusals {
		r.all = slices.Delete(r.all, 0, 1)
	}
	r.all = append(r.all, one)
}

// Recent returns the last 64 refusals of all ways in, the last one first. Long texts are
// cut off.
func (w *Writer) Recent() []Refused {
	r := &w.shared.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.all)
	slices.Reverse(all)
	return all
}

// Via returns the writer for a way in: its refusals have this name. It counts together with
// w.
func (w *Writer) Via(name string) *Writer {
	return &Writer{config: w.config, via: name, shared: w.shared}
}

// count counts and keeps a refusal.
func (w *Writer) count(r *Refusal) {
	w.shared.refused[min(r.Cause, causes-1)].Add(1)
	w.shared.recent.add(Refused{time.Now(), w.via, *r})
}
