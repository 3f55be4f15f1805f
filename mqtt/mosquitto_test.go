package mqtt_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/tlstest"
	"github.com/aimdb-go/aimdb/mqtt"
)

// mosquitto returns a command of Eclipse Mosquitto for a server.
func mosquitto(t *testing.T, name, address string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v; .ci/run installs it", err)
		}
		t.Skipf("%v; install mosquitto-clients", err)
	}
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	return exec.CommandContext(t.Context(), path, append([]string{"-h", host, "-p", port}, args...)...)
}

// run runs a command and returns what it prints.
func run(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// follow starts a mosquitto_sub that ends after a number of messages.
func follow(t *testing.T, h *house, args ...string) (wait func() string) {
	t.Helper()
	cmd := mosquitto(t, "mosquitto_sub", h.address, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	check(t, cmd.Start())
	return func() string {
		t.Helper()
		if err := cmd.Wait(); err != nil {
			t.Fatalf("mosquitto_sub: %v: %s", err, out.String())
		}
		return strings.TrimSpace(out.String())
	}
}

// TestMosquitto: the clients of Mosquitto put values in and get them out, in both versions
// and with each QoS.
func TestMosquitto(t *testing.T) {
	h := open(t, mqtt.Config{}, func(db *aimdb.DB) {
		register[int](t, db, "attic.lamp", aimdb.Ring(1000), aimdb.Persist(), aimdb.Writable())
	})
	rows := 0
	for _, version := range []string{"mqttv311", "mqttv5"} {
		for _, qos := range []string{"0", "1", "2"} {
			if out, err := run(mosquitto(t, "mosquitto_pub", h.address, "-V", version, "-q", qos, "-t", "aimdb/home/set/attic/lamp", "-m", "1")); err != nil || out != "" {
				t.Fatalf("mosquitto_pub: %v: %s", err, out)
			}
			rows++
			if qos == "0" { // there is no answer that says so
				await(t, "a value of QoS 0 is not set", func() bool { return h.server.Counts().Published == uint64(rows) })
			}
			delivered := h.server.Counts().Delivered
			// The format tells retained from live.
			wait := follow(t, h, "-V", version, "-q", qos, "-t", "aimdb/home/records/attic/#", "-C", "101", "-F", "%r %t %p")
			await(t, "the retained value is not sent", func() bool { return h.server.Counts().Delivered == delivered+1 })
			pub := mosquitto(t, "mosquitto_pub", h.address, "-V", version, "-q", qos, "-t", "aimdb/home/set/attic/lamp", "-l")
			want := []string{"1 aimdb/home/records/attic/lamp 1"}
			var lines strings.Builder
			for i := range 100 {
				n := strings.Repeat("7", 1+i%9)
				lines.WriteString(n + "\n")
				want = append(want, "0 aimdb/home/records/attic/lamp "+n)
			}
			pub.Stdin = strings.NewReader(lines.String())
			if out, err := run(pub); err != nil || out != "" {
				t.Fatalf("mosquitto_pub -l: %v: %s", err, out)
			}
			rows += 100
			if got := wait(); got != strings.Join(want, "\n") {
				t.Errorf("%s with QoS %s prints\n%s", version, qos, got)
			}
		}
	}
	h.stop()
	if got := stored(t, h.history, "attic.lamp"); got != rows {
		t.Errorf("%d rows, want %d", got, rows)
	}
}

// TestMosquittoSecured: users and tokens over TLS; what is refused is said and counted.
func TestMosquittoSecured(t *testing.T) {
	files := tlstest.New(t)
	cert, err := tls.LoadX509KeyPair(files.ServerCert, files.ServerKey)
	check(t, err)
	const token = "correct-horse-battery-staple"
	hash := sha256.Sum256([]byte(token))
	h := open(t, mqtt.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, rooms(t), func(c *aimdb.Config) error {
		c.Tokens = []aimdb.Token{{Hash: hex.EncodeToString(hash[:]), Read: []string{"attic.#"}, Write: []string{"attic.lamp"}}}
		c.Users = []aimdb.User{{Name: "sensor", Password: "secret password", Write: []string{"attic.air"}}}
		return nil
	})
	pub := func(args ...string) (string, error) {
		return run(mosquitto(t, "mosquitto_pub", h.address, append([]string{"--cafile", files.CA, "-q", "1"}, args...)...))
	}
	lamp, attic := []string{"-t", "aimdb/home/set/attic/lamp", "-m", "1"}, []string{"-t", "aimdb/home/set/attic/air", "-m", air}
	for _, c := range []struct {
		args []string
		ok   bool
	}{
		{append(lamp, "-u", "anything", "-P", token), true},
		{append(lamp, "-u", "", "-P", token, "-V", "mqttv5"), true},
		{append(attic, "-u", "sensor", "-P", "secret password"), true},
		{append(attic, "-u", "sensor", "-P", "wrong"), false},
		{append(attic, "-u", "nobody", "-P", "secret password", "-V", "mqttv5"), false},
		{attic, false},
		{append(attic, "-u", "x", "-P", token, "-V", "mqttv5"), false},
		{append(lamp, "-u", "sensor", "-P", "secret password", "-V", "mqttv5"), false},
	} {
		if out, err := pub(c.args...); (err == nil && out == "") != c.ok {
			t.Errorf("mosquitto_pub %v: %v: %s", c.args, err, out)
		}
	}
	if out, err := run(mosquitto(t, "mosquitto_pub", h.address, append(lamp, "-u", "x", "-P", token)...)); err == nil {
		t.Errorf("a client without TLS is served: %s", out)
	}
	if c := h.server.Counts().Refused; c["login"] != 3 || c["denied"] != 2 {
		t.Errorf("counted %v", c)
	}
	out, err := run(mosquitto(t, "mosquitto_sub", h.address, "--cafile", files.CA, "-u", "x", "-P", token, "-t", "#", "-W", "2", "-v"))
	if want := "aimdb/home/records/attic/lamp 1"; !strings.Contains(out, want) || !strings.Contains(out, `attic/air {"city":"x","celsius":1.0}`) {
		t.Errorf("a reader of attic.# gets %v: %s", err, out)
	}
	out, _ = run(mosquitto(t, "mosquitto_sub", h.address, "--cafile", files.CA, "-u", "sensor", "-P", "secret password", "-t", "#", "-W", "1", "-v"))
	if strings.Contains(out, "aimdb/") {
		t.Errorf("a user who may read nothing gets %s", out)
	}
	check(t, h.db.Access().Replace([]aimdb.Token{{Token: "another token for somebody"}}, nil))
	out, err = pub(append(lamp, "-u", "x", "-P", token)...)
	if err == nil && out == "" {
		t.Error("a token that was removed still counts")
	}
}

// TestWill: the will of a client that is lost is set, with its grants; one to another topic is
// refused.
func TestWill(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	lost := mosquitto(t, "mosquitto_sub", h.address, "-t", "nothing", "--will-topic", "aimdb/home/set/attic/lamp", "--will-payload", "99", "--will-retain")
	check(t, lost.Start())
	await(t, "the client does not connect", func() bool { return h.server.Counts().Clients == 1 })
	check(t, lost.Process.Kill())
	_ = lost.Wait()
	await(t, "the will is not set", func() bool {
		r, _ := h.db.Registry().Lookup("attic.lamp")
		v, _, _, err := r.Get()
		return err == nil && string(v) == "99"
	})
	for _, c := range [][]string{
		{"--will-topic", "elsewhere", "--will-payload", "1"},
		{"--will-topic", "aimdb/home/set/attic/closed", "--will-payload", "1"},
		{"--will-topic", "aimdb/home/set/attic/lamp", "--will-payload", "on"},
	} {
		out, err := run(mosquitto(t, "mosquitto_pub", h.address, append(c, "-t", "aimdb/home/set/attic/lamp", "-m", "5")...))
		if err == nil && out == "" {
			t.Errorf("a client with the will %v is served", c)
		}
	}
	if n := h.server.Counts().Refused["will"]; n != 3 {
		t.Errorf("%d wills are counted as refused", n)
	}
	goodbye := mosquitto(t, "mosquitto_pub", h.address, "-t", "aimdb/home/set/attic/lamp", "-m", "7", "-q", "1", "--will-topic", "aimdb/home/set/attic/lamp", "--will-payload", "98")
	if out, err := run(goodbye); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	await(t, "a client stays", func() bool { return h.server.Counts().Clients == 0 })
	time.Sleep(10 * time.Millisecond) // a wrong will would come at once
	r, _ := h.db.Registry().Lookup("attic.lamp")
	if v, _, _, err := r.Get(); string(v) != "7" {
		t.Errorf("after a goodbye the lamp is %s, %v", v, err)
	}
}
