//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// openPlaces runs aimdb serve with its defaults in the directory of the typist, but for the
// ports and the socket, which are typed from then on. again starts it after its end.
func (m *typist) openPlaces(args ...string) (server *child, again func() *child) {
	m.t.Helper()
	http, nats, mqtt, socket := freePort(m.t), freePort(m.t), freePort(m.t), shortPath(m.t)
	m.places = strings.NewReplacer(
		":8080", ":"+http, ":4222", ":"+nats, ":1883", ":"+mqtt, "/tmp/aimdb.sock", socket,
		"nats pub", "nats --server nats://127.0.0.1:"+nats+" pub", "nats sub", "nats --server nats://127.0.0.1:"+nats+" sub",
		"nats req", "nats --server nats://127.0.0.1:"+nats+" req",
		"mosquitto_pub", "mosquitto_pub -p "+mqtt, "mosquitto_sub", "mosquitto_sub -W 60 -p "+mqtt,
		"<database>", "aimdb",
	)
	m.env = append(m.env, "AIMDB_CONNECT="+socket)
	again = func() *child {
		c := m.begins("aimdb serve", append([]string{"--http", "127.0.0.1:" + http, "--nats", "127.0.0.1:" + nats, "--mqtt", "127.0.0.1:" + mqtt, "--aimx", socket}, args...)...)
		c.says("  aimx ")
		return c
	}
	return again(), again
}

// TestServeFromREADME runs what README types beside aimdb serve, with the programs that it
// names. The values are there, also after kill -9.
func TestServeFromREADME(t *testing.T) {
	t.Parallel()
	const section = "Without a line of Go"
	lines := shellLines(t, "README.md", section)
	m := newTypist(t, "curl", "mosquitto_pub", "nats")
	server, again := m.openPlaces()
	ways, query := lines[:len(lines)-1], lines[len(lines)-1]
	if len(ways) != 3 {
		t.Fatalf("README has %d ways to set a value", len(ways))
	}
	for _, line := range ways {
		m.types(line)
	}
	shown := func() bool {
		got := m.types(query)
		return strings.Contains(got, "21.5") && strings.Contains(got, `"lux"`) && strings.Contains(got, `"db"`)
	}
	soon(t, "the query of README shows the three values", shown)
	server.kill()
	server = again()
	if !shown() {
		t.Errorf("after kill -9 the query of README shows %s", m.types(query))
	}
	if got := m.types("curl -sfL http://127.0.0.1:8080/console/ && curl -sf http://127.0.0.1:8080/api"); !strings.Contains(got, "<html") || !strings.Contains(got, `"openapi"`) {
		t.Errorf("the console and the description of the API are %.300s", got)
	}
	server.interrupt()
}

// TestUseItFromREADME runs the table "Use it from": every way in and out works at one server.
func TestUseItFromREADME(t *testing.T) {
	t.Parallel()
	m := newTypist(t, "curl", "mosquitto_sub", "nats")
	server, _ := m.openPlaces()
	m.types(`echo '{"error_celsius": 1.25}' | aimdb produce accuracy::vienna`)
	// Subscribers begin before the value that they wait for.
	const nextValue = `echo '{"error_celsius": 2.5}' | aimdb produce accuracy::vienna`
	for _, span := range commandSpans(t, "README.md", "Use it from") {
		line, want := span, "1.25"
		switch {
		case span == "aimdb produce KEY":
			line, want = `printf '{"n": 1}\n{"n": 2}\n' | aimdb produce room.lines && aimdb record get room.lines`, "2"
		case span == "aimdb mcp":
			if text := assist(t, "--connect", m.places.Replace(defaultEndpoint)).call("list_records", nil, nil); !strings.Contains(text, "accuracy::vienna") {
				t.Errorf("an assistant sees %s", text)
			}
			continue
		case strings.HasPrefix(span, "mosquitto_sub"):
			line = span + " -C 1" // the newest value comes at once
		case strings.HasPrefix(span, "nats sub"):
			subscriber := m.starts("bash", "-c", "exec "+m.places.Replace(span+" --count 1"))
			subscriber.says("Subscribing")
			soon(t, span+" prints the next value", func() bool {
				m.types(nextValue)
				return strings.Contains(subscriber.output(), "2.5")
			})
			continue
		case strings.HasPrefix(span, "nats req"):
			want = "accuracy::vienna"
		case strings.HasPrefix(span, "aimdb record query"), strings.HasPrefix(span, "curl"):
		default:
			t.Errorf("nothing runs %s", span)
			continue
		}
		if got := m.types(line); !strings.Contains(got, want) {
			t.Errorf("%s\nprints %s\nwant %s in it", line, got, want)
		}
	}
	m.types("curl -sf http://127.0.0.1:8080/aimx.js | grep 'export const connect'")
	m.starts("curl", "-sN", m.places.Replace("http://127.0.0.1:8080/api/stream?pattern=%23&after=1h")).says(`{"error_celsius":1.25}`)
	server.interrupt()
}

// TestDemoFromREADME: the demo of README has its page, and from history after a restart.
func TestDemoFromREADME(t *testing.T) {
	t.Parallel()
	lines := shellLines(t, "README.md", "Two commands")
	if lines[0] != "go run ./cmd/aimdb demo" {
		t.Fatalf("the first command is %s", lines[0])
	}
	m := newTypist(t, "curl")
	web := "127.0.0.1:" + freePort(t)
	m.places = strings.NewReplacer("127.0.0.1:8080", web)
	places := []string{"--http", web, "--nats", "off", "--aimx", shortPath(t)}
	rows := func() (n int) {
		_, err := fmt.Sscan(m.types("curl -sf 'http://127.0.0.1:8080/api/query?pattern=accuracy.%23&format=csv' | wc -l"), &n)
		must(t, err)
		return n
	}
	demo := m.begins(lines[0], append(places, "--pace", "20ms")...)
	demo.says("the database serves")
	soon(t, "forecasts were scored", func() bool { return rows() > 20 })
	if page := m.types("curl -sf http://127.0.0.1:8080/"); !strings.Contains(page, "<html") {
		t.Errorf("the page is %.300s", page)
	}
	demo.interrupt()
	demo = m.begins(lines[0]+" --steps 0", places...)
	demo.says("the database serves")
	if n := rows(); n <= 20 {
		t.Errorf("after the restart there are %d rows", n)
	}
	demo.interrupt()
}

// TestMQTTHowTo publishes and subscribes as docs/how-to/mqtt-device.md does.
func TestMQTTHowTo(t *testing.T) {
	t.Parallel()
	m := newTypist(t, "mosquitto_pub", "mosquitto_sub")
	server, _ := m.openPlaces()
	const document = "docs/how-to/mqtt-device.md"
	for _, line := range shellLines(t, document, "Publish") {
		m.types(line)
	}
	for _, line := range shellLines(t, document, "Subscribe") {
		if got := m.types(line); got != "aimdb/aimdb/records/room/light {\"lux\":3}\n" {
			t.Errorf("%s prints %q", line, got)
		}
	}
	server.interrupt()
}

// TestMosquittoBridge: a real Mosquitto with the bridge of docs/how-to/mqtt-device.md brings the
// values of a device that has topics of its own. CI does not install the broker, whose package
// would start one.
func TestMosquittoBridge(t *testing.T) {
	t.Parallel()
	broker, err := exec.LookPath("mosquitto")
	if err != nil {
		needed.Missing(t, "the broker mosquitto")
	}
	m := newTypist(t, "mosquitto_pub")
	server, _ := m.openPlaces()
	bridge := blocksOf(t, "docs/how-to/mqtt-device.md", "Devices that cannot choose their topics", "")[0].text
	port := freePort(t)
	m.writes("bridge.conf", "listener "+port+" 127.0.0.1\nallow_anonymous true\n"+m.places.Replace(bridge))
	m.starts(broker, "-c", "bridge.conf").says("running")
	m.places = strings.NewReplacer()
	soon(t, "the bridge brings the value", func() bool {
		m.types("mosquitto_pub -p " + port + " -q 1 -t tele/plug/SENSOR -m '{\"watts\": 12}'")
		return strings.Contains(m.types("aimdb record get plug.SENSOR || true"), "12")
	})
	server.interrupt()
}

// TestLinesOfAProgram: what docs/USE.md says of tail.
func TestLinesOfAProgram(t *testing.T) {
	t.Parallel()
	m := newTypist(t, "tail")
	server, _ := m.openPlaces()
	lines := commandSpans(t, "docs/USE.md", "Lines of a program")
	if len(lines) != 1 {
		t.Fatalf("there are %q", lines)
	}
	m.writes("sensor.ndjson", "{\"celsius\": 3.5}\n")
	m.types(strings.Replace(lines[0], "tail -f", "tail", 1)) // which ends
	if got := m.types("aimdb record get attic.air"); !strings.Contains(got, "3.5") {
		t.Errorf("the record has %s", got)
	}
	server.interrupt()
}
