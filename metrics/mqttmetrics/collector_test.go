package mqttmetrics_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/metrics/mqttmetrics"
	"github.com/aimdb-go/aimdb/mqtt"
)

// run runs a database with the record a and an MQTT server, and returns the server's address
// and what scrapes both.
func run(t *testing.T, limits mqtt.Limits) (address string, scrape func() string) {
	t.Helper()
	db, err := aimdb.New(aimdb.Name("home"), aimdb.Dir(t.TempDir()))
	check(t, err)
	_, err = aimdb.Register[int](db, "a", aimdb.Remote(), aimdb.Writable())
	check(t, err)
	server, err := mqtt.New(db, mqtt.Config{Limits: limits})
	check(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	h, err := metrics.Handler(db, mqttmetrics.New(server))
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- db.Run(ctx) }()
	go func() { served <- server.Serve(context.Background(), l) }()
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	<-db.Ready()
	return l.Addr().String(), func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
		body, err := io.ReadAll(w.Body)
		check(t, err)
		return string(body)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client runs a client of Mosquitto, and returns whether it succeeded.
func client(t *testing.T, name, address string, args ...string) bool {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		needed.Missing(t, "%s: %v", name, err)
	}
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	said, err := exec.CommandContext(t.Context(), path, append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	t.Logf("%s %v: %v %s", name, args, err, said)
	return err == nil
}

// lacks returns a line that a text does not have, "" if it has all.
func lacks(text string, lines []string) string {
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			return line
		}
	}
	return ""
}

// TestClientsAreCounted: what clients of Mosquitto do, and what ends their connections, is
// in the exposition, with each cause from the start.
func TestClientsAreCounted(t *testing.T) {
	address, scrape := run(t, mqtt.Limits{Sessions: 1, ConnectTimeout: 2 * time.Second})
	first := scrape()
	for _, cause := range mqtt.Causes() {
		if line := lacks(first, []string{`aimdb_mqtt_refused_total{cause="` + cause + `"} 0`}); line != "" {
			t.Errorf("a server that did nothing has no %s", line)
		}
	}
	silent, err := net.Dial("tcp", address) // and sends no CONNECT
	check(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	if !client(t, "mosquitto_pub", address, "-q", "1", "-t", "aimdb/home/set/a", "-m", "7") {
		t.Error("a value is not taken")
	}
	for _, id := range []string{"one", "two"} { // sessions that stay, of which one may
		client(t, "mosquitto_sub", address, "-c", "-i", id, "-q", "1", "-E", "-t", "aimdb/home/a")
	}
	client(t, "mosquitto_pub", address, "-q", "1", "-t", "elsewhere", "-m", "7")
	client(t, "mosquitto_pub", address, "-q", "1", "-t", "aimdb/home/set/nobody", "-m", "7")
	want := []string{
		"aimdb_mqtt_connections 0", "aimdb_mqtt_sessions 1", "aimdb_mqtt_published_total 1", "aimdb_mqtt_acknowledged_total 1",
		`aimdb_mqtt_refused_total{cause="sessions"} 1`, `aimdb_mqtt_refused_total{cause="silent"} 1`,
		`aimdb_mqtt_refused_total{cause="topic"} 1`, `aimdb_mqtt_refused_total{cause="unknown"} 1`,
	}
	text := scrape()
	for deadline := time.Now().Add(time.Minute); lacks(text, want) != ""; text = scrape() {
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", lacks(text, want), text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
