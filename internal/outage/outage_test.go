package outage_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/internal/outage"
)

func TestAnOutageIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		o := outage.New(slog.New(slog.NewTextHandler(&said, nil)).With("disk", "d1"), "it fails", "it works again")
		state := func(text string, failures uint64, since time.Time) {
			t.Helper()
			if got, want := o.State(), (outage.State{Text: text, Failures: failures, Since: since}); got != want {
				t.Errorf("state %+v, want %+v", got, want)
			}
		}
		begin := time.Now()
		o.Over()
		state("ok", 0, time.Time{})
		o.Failed(errors.New("full"), "waiting", 7)
		time.Sleep(2 * time.Second)
		o.Failed(errors.New("fuller"), "waiting", 8)
		state("retrying: fuller", 2, begin)
		time.Sleep(time.Second)
		o.Over()
		o.Over()
		state("ok", 2, time.Time{})
		o.Failed(errors.New("full"))
		state("retrying: full", 3, begin.Add(3*time.Second))
		o.Over()
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		for i, want := range []string{
			`level=ERROR msg="it fails" disk=d1 waiting=7 error=full`,
			`level=INFO msg="it works again" disk=d1 after=3s`,
			`level=ERROR msg="it fails" disk=d1 error=full`,
			`level=INFO msg="it works again" disk=d1 after=0s`,
		} {
			if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
				t.Errorf("line %d is not %q in\n%s", i+1, want, &said)
			}
		}
		if len(lines) != 4 {
			t.Errorf("%d lines were said, want 4", len(lines))
		}
	})
}
