package hub

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

// TestPatienceAfterAnAbsence: the source of a site that was away is mended as soon as that of
// another one, however often mending did not help before.
func TestPatienceAfterAnAbsence(t *testing.T) {
	h := &Hub{config: Config{SleepAfter: 3 * time.Second}, log: slog.New(slog.DiscardHandler)}
	s := &siteState{log: "a", patience: maxPatience}
	log := siteLog{identity: "a"}
	h.answers(s, log)
	if s.patience != maxPatience {
		t.Errorf("of a site that answers it is %v", s.patience)
	}
	if err := h.noAnswer(s, errors.Join(errAway)); err != nil {
		t.Fatal(err)
	}
	h.answers(s, log)
	if s.patience != 3*time.Second {
		t.Errorf("after an absence it is %v", s.patience)
	}
}
