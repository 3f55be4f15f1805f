//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestServeHidesFromNATSClients: a user of nats_access gets no value of a record that it may
// not read, by no subscription, consumer or message of the stream, and not what another client
// tries to set. The records have been open before, so that the log holds their values.
func TestServeHidesFromNATSClients(t *testing.T) {
	t.Parallel()
	const secret, open = "s3cret", "0pen"
	dir, address := t.TempDir(), "127.0.0.1:"+freePort(t)
	config := filepath.Join(dir, "aimdb.yaml")
	settings := "name: hub\ndir: " + filepath.Join(dir, "data") + "\nnats_access: {users: {spy: spyspyspy}}\nservice_writes: ['#']\n" +
		"records:\n  - {key: hall.air}\n  - {key: vault.air%s}\n"
	url := "nats://spy:spyspyspy@" + address
	run := func(private string) *demo {
		writeText(t, config, fmt.Sprintf(settings, private))
		return startServe(t, shortPath(t), "--config", config, "--nats", address)
	}
	connected := func() *nats.Conn {
		nc, err := nats.Connect(url, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // it is refused some
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	set := func(nc *nats.Conn, subject, value string) string {
		answer, err := nc.Request("aimdb.hub.set."+subject, []byte(`"`+value+`"`), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer.Data)
	}
	s := run("")
	if got := set(connected(), "vault.air", secret); !strings.Contains(got, "logged") {
		t.Fatal(got)
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	must(t, <-s.ended)

	s = run(", remote: false")
	spy, other := connected(), connected()
	come := make(chan *nats.Msg, 10_000)
	for _, subject := range []string{
		"aimdb.hub.private.>", "aimdb.hub.log.vault.>", "aimdb.hub.*.vault.>", "aimdb.*.private.>", "aimdb.*.*.>", "aimdb.hub.set.>", "aimdb.hub.loss.>",
		">", "aimdb.>", "*.*.*.*.*", "_INBOX.>", "$JS.>", "$SYS.>",
	} {
		if _, err := spy.ChanSubscribe(subject, come); err != nil {
			t.Fatal(err)
		}
	}
	must(t, spy.Flush())
	var left strings.Builder
	js, err := jetstream.New(spy)
	must(t, err)
	for _, filter := range []string{"", ">", "aimdb.hub.log.>", "aimdb.hub.private.>", "aimdb.hub.log.vault.>"} {
		c, err := js.CreateConsumer(t.Context(), "AIMDB_hub", jetstream.ConsumerConfig{FilterSubject: filter})
		if err != nil {
			continue // refused
		}
		batch, err := c.FetchNoWait(1000)
		must(t, err)
		for m := range batch.Messages() {
			fmt.Fprintln(&left, filter, m.Subject(), string(m.Data()))
		}
		must(t, batch.Error())
	}
	for _, ask := range []string{`{"seq":1}`, `{"last_by_subj":"aimdb.hub.log.vault.air"}`, `{"last_by_subj":"aimdb.hub.private.vault.air"}`, `{"seq":1,"next_by_subj":">"}`} {
		for _, api := range []string{"$JS.API.STREAM.MSG.GET.AIMDB_hub", "$JS.API.DIRECT.GET.AIMDB_hub"} {
			if m, err := spy.Request(api, []byte(ask), 10*time.Second); err == nil {
				fmt.Fprintln(&left, api, string(m.Data))
			}
		}
	}
	if path, err := exec.LookPath("nats"); err == nil {
		out, err := exec.Command(path, "--server", url, "stream", "get", "AIMDB_hub", "1").CombinedOutput()
		fmt.Fprintln(&left, "nats stream get", string(out), err)
	}
	if got := set(other, "vault.air", secret+"2"); !strings.Contains(got, "not writable") {
		t.Errorf("a record that is not remote is set: %s", got)
	}
	if got := set(other, "hall.air", open); !strings.Contains(got, "logged") {
		t.Error(got)
	}
	for control := false; !control; {
		select {
		case m := <-come:
			fmt.Fprintln(&left, m.Subject, m.Header, string(m.Data))
			control = m.Subject == "aimdb.hub.log.hall.air" && strings.Contains(string(m.Data), open)
		case <-time.After(time.Minute):
			t.Fatalf("the spy does not get the value of the open record:\n%s", left.String())
		}
	}
	if strings.Contains(left.String(), secret) {
		t.Errorf("a value of a record that is not remote leaves:\n%s", left.String())
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	must(t, <-s.ended)
}
