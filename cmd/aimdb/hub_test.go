package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/bus/hub"
)

func TestHubCommandLinesThatAreWrong(t *testing.T) {
	dir := t.TempDir()
	passwords := filepath.Join(dir, "passwords")
	if err := os.WriteFile(passwords, []byte("north secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		args []string
		code int
	}{
		"either --dir":            {[]string{"hub", "--site", "a"}, exitUsage},
		"or --nats-url":           {[]string{"hub", "--dir", dir, "--nats-url", "nats://127.0.0.1:1", "--site", "a"}, exitUsage},
		"at least one --site":     {[]string{"hub", "--dir", dir}, exitUsage},
		"given twice":             {[]string{"hub", "--dir", dir, "--listen-leaf", "127.0.0.1:0", "--site", "a", "--site", "a"}, exitFailed},
		"not the name":            {[]string{"hub", "--dir", dir, "--listen-leaf", "127.0.0.1:0", "--site", "a.b"}, exitFailed},
		"no password of the site": {[]string{"hub", "--dir", dir, "--passwords", passwords, "--site", "north", "--site", "south"}, exitFailed},
		"directory of the hub":    {[]string{"hub", "verify"}, exitUsage},
		"there is no hub in":      {[]string{"hub", "verify", filepath.Join(dir, "absent")}, exitFailed},
	} {
		if got := aimdb(t, c.args...); got.code != c.code || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: status %d, %s; want %d and %q", c.args, got.code, got.stderr, c.code, want)
		}
	}
}

func TestAVerificationOfAHubIsPrinted(t *testing.T) {
	site := hub.SiteVerification{
		Site: "north", Answers: true, Lag: 3, First: 1, Last: 40, Logs: []hub.SiteLog{{First: 2, Last: 30, Messages: 20}},
		Missing: []hub.Range{{From: 5, To: 9, Count: 2}}, Problems: []string{"A problem."}, Notes: []string{"A note."}, LeftOut: 7,
		Holes: []hub.Hole{
			{Record: "a", Run: 0, From: 2, To: 4, Cause: hub.Announced}, {Record: "b", Run: 9, From: 1, To: 1, Cause: hub.Unexplained},
			{Record: "c", From: 1, To: 2, Cause: hub.NotAtSite}, {Record: "d", From: 1, To: 2, Cause: hub.BeforeHub},
		},
	}
	for _, c := range []struct {
		verdict hub.Verdict
		status  error
		want    []string
	}{
		{hub.Complete, nil, []string{"hub: complete: the hub has 20 messages, 3 wait at its sites, and 0 of 1 site do not answer."}},
		{hub.LossesKnown, exitStatus(exitLost), []string{"known (north): 3 values of a are missing, numbers 2 to 4 of the run after sequence 0: the site lost them"}},
		{hub.UnknownLoss, exitStatus(exitUnknown), []string{
			"unknown (north): 2 messages between the site's sequences 5 and 9 are missing at the hub.", "unknown (north): 1 value of b",
			"the site does not have them either", "before the hub's first message", "7 more ranges", "unknown (north): A problem.", "note (north): A note.",
			"limits have removed what the hub had before its message 4", "nobody knows why",
		}},
	} {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		err := printHub(cmd, asTable, hub.Verification{Hub: "hub", Verdict: c.verdict, First: 4, Messages: 20, Discarded: true, Sites: []hub.SiteVerification{site}})
		if !errors.Is(err, c.status) && err != c.status {
			t.Errorf("%s: %v", c.verdict, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not in\n%s", c.verdict, want, out.String())
			}
		}
	}
}
