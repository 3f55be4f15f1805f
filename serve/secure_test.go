package serve_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/internal/tlstest"
)

// program returns a program of others.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v; .ci/run installs it", err)
		}
		t.Skip(err)
	}
	return path
}

// TestSecureWithPostgreSQL: with certificates on all listeners, tokens and users, and the
// history in PostgreSQL, what comes in with curl, mosquitto_pub and NATS is stored, and there
// again after a restart. Who does without encryption or a token gets nothing in.
func TestSecureWithPostgreSQL(t *testing.T) {
	curl, publish := program(t, "curl"), program(t, "mosquitto_pub")
	pg, files := pgtest.Syncing(t), tlstest.New(t)
	r := start(t, fmt.Sprintf("http: 127.0.0.1:0\nnats: 127.0.0.1:0\nmqtt: 127.0.0.1:0\nservice_writes: ['#']\nhistory: %s\n"+
		"tls: {cert_file: %s, key_file: %s}\nnats_access: {users: {n: natsnatsnats}}\n"+
		"tokens:\n  - {token: second-second, read: ['#'], write: ['#']}\nusers:\n  - {name: device, password: devicedevice, write: ['room.#']}\n"+
		"records:\n  - pattern: '#'\n", pg.Database(t), files.ServerCert, files.ServerKey))
	run := func(fails bool, name string, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if (err != nil) != fails {
			t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	web := r.DB().Addresses().HTTP
	run(false, curl, "-sSf", "--cacert", files.CA, "-X", "PUT", "-H", "Authorization: Bearer second-second", "-d", "1", "https://"+web+"/api/records/room.http")
	run(true, curl, "-sSf", "--cacert", files.CA, "-X", "PUT", "-d", "2", "https://"+web+"/api/records/room.http")
	run(true, curl, "-sSf", "-X", "PUT", "-H", "Authorization: Bearer second-second", "-d", "2", "http://"+web+"/api/records/room.http")
	host, port, err := net.SplitHostPort(r.mqttAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	mqtt := []string{"-h", host, "-p", port, "-q", "1", "-t", "aimdb/aimdb/set/room/mqtt", "-m", "1"}
	run(false, publish, append(mqtt, "--cafile", files.CA, "-u", "device", "-P", "devicedevice")...)
	run(true, publish, append(mqtt, "--cafile", files.CA, "-u", "device", "-P", "wrongwrong")...)
	run(true, publish, append(mqtt, "-u", "device", "-P", "devicedevice")...)

	pem, err := os.ReadFile(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	secure := nats.Secure(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	address := "nats://" + r.DB().Addresses().NATS
	if nc, err := nats.Connect(address, secure); err == nil {
		nc.Close()
		t.Error("NATS lets everybody in")
	}
	if nc, err := nats.Connect(address, nats.UserInfo("n", "natsnatsnats")); err == nil {
		nc.Close()
		t.Error("NATS takes clients whose authority is not known")
	}
	nc, err := nats.Connect(address, secure, nats.UserInfo("n", "natsnatsnats"))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := nc.RequestWithContext(t.Context(), "aimdb.aimdb.set.room.nats", []byte("1")); err != nil || answer.Header.Get("Nats-Service-Error") != "" {
		t.Errorf("NATS: %+v, %v", answer, err)
	}
	nc.Close()
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	for _, key := range []string{"room.http", "room.mqtt", "room.nats"} {
		if rows := r.rows(t, key); len(rows) != 1 || string(rows[0].Value) != "1" || latest(t, r.DB(), key) != "1" {
			t.Errorf("%s has %d rows and %s", key, len(rows), latest(t, r.DB(), key))
		}
	}
}
