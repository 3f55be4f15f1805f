package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/serve"
)

// write writes a file of settings and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aimdb.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoadRefuses: what is wrong is told with its place, and all of it.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an unknown setting", "htpp: 127.0.0.1:1\n", `F:1:1: there is no setting "htpp"; did you mean "http"?`},
		{"one in a record", "records:\n  - key: a\n    bufer: ring\n", `F:3:5: there is no setting "bufer" in records[0]; did you mean "buffer"?`},
		{"one like nothing", "xyzzyxyzzy: 1\n", `F:1:1: there is no setting "xyzzyxyzzy"`},
		{"two at once", "htpp: 1\nname: 7\n", "F:1:1: there is no setting \"htpp\"; did you mean \"http\"?\nF:2:7: name is text; write \"7\" in quotes"},
		{"a duplicate", "name: a\nname: b\n", `F:2:1: mapping key "name" already defined at [1:1]`},
		{"a duplicate in a record", "records:\n  - key: a\n    key: b\n", `F:3:5: mapping key "key" already defined at [2:5]`},
		{"no value", "name:\n", "F:1:7: name has no value; give one, or delete the line"},
		{"text for a switch", "durable_log: maybe\n", "F:1:14: durable_log is true or false, and this is text"},
		{"text for a list", "gateways: /tmp/a\n", "F:1:11: gateways is a list, and this is text"},
		{"a list for text", "name: [a]\n", "F:1:7: name is text, and this is a list"},
		{"a number for a group", "tls: 1\n", "F:1:6: tls is a group of settings, and this is a number"},
		{"a fraction", "max_records: 1.5\n", "F:1:14: max_records is a whole number up to 9223372036854775807, and this is 1.5"},
		{"a number without a unit", "history_age: 30\n", "F:1:14: history_age is a duration with a unit, such as 90s, 1h30m or 7d"},
		{"a wrong unit", "history_age: 30 days\n", `F:1:14: history_age: duration "30 days": write a number with a unit, such as 90s, 1h30m or 7d`},
		{"a wrong size", "log_bytes: 1GIB\n", `F:1:12: log_bytes: size "1GIB": write a number of bytes, or one with a unit, such as 64MB or 1GiB`},
		{"syntax", "records: [\n", "F:1:10: sequence end token ']' not found"},
		{"a list as file", "- a\n", "F:1:1: settings are NAME: VALUE, and this is a list"},
		{"two documents", "name: a\n---\nname: b\n", "F:2:1: a second document begins; write one"},
		{"an anchor", "name: &a b\n", "F:1:7: anchors and aliases are not taken; write the settings out"},
		{"a tag", "name: !!str 1\n", "F:1:7: tags such as !!str are not taken; write the value alone, in quotes if it is text"},
		{"a merge key", "tls:\n  <<: {cert_file: x}\n", "F:2:3: << is no name of a setting"},
		{"key and pattern", "records:\n  - key: a\n    pattern: b\n", "F:2:5: records[0]: a record has a key or a pattern, one of them"},
		{"neither", "records:\n  - buffer: latest\n", "F:2:5: records[0]: a record has a key or a pattern, one of them"},
		{"a bad key", "records:\n  - key: 'a b'\n", `F:2:5: records[0].key: key "a b": the character ' ' cannot be part of it`},
		{"a key twice", "records:\n  - key: a.b\n  - key: a::b\n", `F:3:5: records[1].key: "a::b" is declared at F:2:5 too, as "a.b"; declare it once`},
		{"a pattern twice", "records:\n  - pattern: a.*\n  - pattern: a::*\n", `F:3:5: records[1].pattern: "a::*" is declared at F:2:5 too; two patterns that match the same keys equally well cannot both count`},
		{"a pattern that nobody may set", "records:\n  - pattern: a\n    writable: false\n", "F:2:5: records[0]: a record with a pattern begins when a client sets it; leave writable: false and remote: false out, or give the records their keys"},
		{"a buffer", "records:\n  - key: a\n    buffer: queue\n", `F:3:5: records[0].buffer: "queue" is no buffer; write latest, ring or mailbox`},
		{"a ring of nothing", "records:\n  - key: a\n    buffer: ring\n", "F:3:5: records[0].buffer: a ring needs a capacity, the number of values that it keeps"},
		{"durable", "records:\n  - key: a\n    durable: true\n", "F:3:5: records[0].durable: the log does not sync before it acknowledges; set durable_log: true"},
		{"retention of nothing", "records:\n  - key: a\n    persist: false\n    retention: {max_rows: 1}\n", "F:4:5: records[0].retention: the record has no history that could be limited; leave one out"},
		{"a unit of nothing", "records:\n  - key: a\n    unit: C\n", "F:3:5: records[0].unit: it is the unit of the number that signal names; add signal, such as /celsius"},
		{"a signal", "records:\n  - key: a\n    signal: celsius\n", `F:3:5: records[0].signal: "celsius": a JSON Pointer begins with /, such as /temperature or /list/0/x`},
		{"an inline schema", "records:\n  - key: a\n    schema: {type: numbr}\n", "F:3:5: records[0].schema: schema of a: at /type: it is none of the alternatives"},
		{"a remote schema", "records:\n  - key: a\n    schema: {$ref: 'https://example.com/s'}\n", "F:3:5: records[0].schema: schema of a: the reference to https://example.com/s cannot be followed: nothing is loaded over a network; save it beside the schema and refer to the file"},
		{"no schema file", "records:\n  - key: a\n    schema: none.json\n", "F:3:5: records[0].schema: read the schema: open D/none.json: no such file or directory"},
		{"one address twice", "http: 127.0.0.1:7000\ntcp: :7000\n", "F:2:1: tcp: 127.0.0.1:7000 is the address of http too; give each listener its own"},
		{"everywhere and here", "http: 0.0.0.0:7000\nmqtt: 127.0.0.1:7000\n", "F:2:1: mqtt: 127.0.0.1:7000 is the address of http too; give each listener its own"},
		{"no port", "http: localhost\n", "F:1:1: http: address localhost: missing port in address; write host:port, such as 127.0.0.1:8080, or off"},
		{"a socket twice", "gateways: [/tmp/a, /tmp/a]\n", "F:1:20: gateways[1]: /tmp/a is given twice"},
		{"certificates for nothing", "nats: off\nnats_tls: {cert_file: a, key_file: b}\n", "F:2:1: nats_tls: certificates are given and no listener uses them; add nats, or leave them out"},
		{"half a certificate", "tls:\n  cert_file: a\n", "F:1:1: tls: cert_file and key_file belong together; give both"},
		{"NATS for everybody", "nats: 127.0.0.1:4222\nusers:\n  - {name: a, password: secret}\n", "F:1:1: nats: clients elsewhere must present a token or a password, and NATS clients need nothing; say in nats_access what they must present, or turn it off"},
		{"a history of another kind", "history: mysql://x\n", "F:1:1: history: mysql:// is no kind of history; give the path of a SQLite file, postgres://…, or off"},
		{"persist without history", "history: off\nrecords:\n  - key: a\n    persist: true\n", "F:4:5: records[0].persist: there is no history to persist to; give history, or leave this out"},
		{"a secret twice", "history: a\nhistory_file: b\n", "F:2:1: history and history_file are both given; leave one out"},
		{"a secret without file", "tokens:\n  - token_file: none\n", "F:2:17: tokens[0].token_file: open D/none: no such file or directory"},
		{"an octal number", "max_records: 010\n", "F:1:14: the number 010 is not written as JSON writes numbers; write it in decimal digits, or in quotes if it is text"},
		{"a hexadecimal size", "log_bytes: 0x10\n", "F:1:12: the number 0x10 is not written as JSON writes numbers; write it in decimal digits, or in quotes if it is text"},
		{"a number with underscores", "max_records: 1_000\n", "F:1:14: the number 1_000 is not written as JSON writes numbers; write it in decimal digits, or in quotes if it is text"},
		{"yes for a switch", "durable_log: yes\n", "F:1:14: durable_log is true or false, and this is text"},
		{"fewer records than none", "max_records: -5\n", "F:1:1: max_records: -5 records cannot begin; give a positive number"},
		{"records as a group", "records:\n  a: {buffer: latest}\n", "F:2:3: records is a list, and this is a group of settings"},
		{"a ring of everything", "records:\n  - {key: a, capacity: 9000000000000}\n", "F:2:14: records[0].capacity: 9000000000000 values would be kept in memory; give at most 16777216"},
		{"a limit and none", "retention:\n  - {pattern: a, max_age: 1h, forever: true}\n", "F:2:6: retention[0]: the retention policy for a keeps for ever and has a limit; choose one"},
		{"a negative limit of a record", "records:\n  - {key: a, retention: {max_rows: -1}}\n", "F:2:14: records[0].retention: the retention policy for a has a negative limit; 0 is no limit"},
		{"a port too high", "http: 127.0.0.1:99999\n", `F:1:1: http: "99999" is no port; write host:port, such as 127.0.0.1:8080, or off`},
		{"a secret that is a number", "tokens:\n  - {token: 123456789}\n", "F:2:13: tokens[0].token is text; write it in quotes"},
		{"a duplicate deep inside", "records:\n  - key: a\n    schema: {properties: {a: {type: string, type: number}}}\n", `F:3:45: mapping key "type" already defined at [3:31]`},
		{"many aliases", "a: &a [x]\nb: [*a, *a]\n", "F:1:4: anchors and aliases are not taken; write the settings out"},
		{"what the database refuses", "log_age: 0s\nlog_bytes: -1\n", "log_bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := serve.Load(serve.Sources{Path: path})
			if err == nil {
				t.Fatal("it is taken")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), path, "F"), filepath.Dir(path), "D")
			if got != c.want && !(c.name == "what the database refuses" && strings.Contains(got, c.want)) && !(c.name == "a bad key" && strings.HasPrefix(got, `F:2:5: records[0].key: key "a b"`)) {
				t.Errorf("\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	if _, err := serve.Load(serve.Sources{Path: filepath.Join(t.TempDir(), "none.yaml")}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestLayers: the defaults, the file, the environment, the flags.
func TestLayers(t *testing.T) {
	path := write(t, "name: file\nhttp: 127.0.0.1:1\nnats: 127.0.0.1:2\ntcp: 127.0.0.1:3\nhistory_age: 7d\nlog_bytes: 1.5GiB\n"+
		"clients:\n  page_bytes: 64KB\nrecords:\n  - key: a\n    schema: {maximum: 9007199254740993, multipleOf: 1e1}\n")
	s, err := serve.Load(serve.Sources{
		Path:    path,
		Environ: []string{"AIMDB_NATS=127.0.0.1:22", "AIMDB_TCP=127.0.0.1:23", "AIMDB_CLIENTS_CONNECTIONS=5", "AIMDB_ORIGINS=a.example, b.example", "AIMDB_SERVICE_HOST=10.0.0.1", "AIMDB_HISTRY=x", "PATH=/bin"},
		Flags:   []serve.Flag{{Name: "--tcp", Setting: "tcp", Value: "off"}, {Name: "--set", Setting: "tls.cert_file", Value: "c"}, {Name: "--set", Setting: "tls.key_file", Value: "k"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "file" || s.HTTP != "127.0.0.1:1" || s.NATS != "127.0.0.1:22" || s.TCP != "" || s.MQTT != "127.0.0.1:1883" {
		t.Errorf("addresses: %+v", s.Config)
	}
	if s.HistoryAge != 7*24*time.Hour || s.LogBytes != 3<<29 || s.Clients.PageBytes != 64000 || s.Clients.Connections != 5 {
		t.Errorf("limits: %v %d %+v", s.HistoryAge, s.LogBytes, s.Clients)
	}
	if strings.Join(s.Origins, " ") != "a.example b.example" || s.TLS.CertFile != "c" || s.TLS.KeyFile != "k" {
		t.Errorf("origins %q, TLS %+v", s.Origins, s.TLS)
	}
	if got := string(s.Records[0].Schema); got != `{"maximum":9007199254740993,"multipleOf":1e1}` {
		t.Errorf("the schema is %s", got)
	}
	if len(s.Warnings) != 1 || s.Warnings[0] != "the variable AIMDB_HISTRY is no setting; did you mean AIMDB_HISTORY?" {
		t.Errorf("warnings: %q", s.Warnings)
	}
	var printed strings.Builder
	if err := s.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"name: file  # " + path + ":1:7\n", "nats: \"127.0.0.1:22\"  # AIMDB_NATS\n", "tcp: off", "# --tcp\n", "drain_timeout: \"10s\"  # default\n", "  page_bytes: \"64KB\"  # " + path + ":8:15\n"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("%q is not in\n%s", want, printed.String())
		}
	}
	again := strings.ReplaceAll(printed.String(), path, "x")
	if _, err := serve.Load(serve.Sources{Path: write(t, again)}); err != nil {
		t.Errorf("what is printed is not read: %v", err)
	}
}

// TestDefaults: the embedded settings say what the database does without them.
func TestDefaults(t *testing.T) {
	s, err := serve.Load(serve.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != aimdb.DefaultName || s.LogAge != aimdb.DefaultLogAge || s.DrainTimeout != aimdb.DefaultDrainTimeout || s.MaxRecords != serve.DefaultMaxRecords {
		t.Errorf("%+v", s.Config)
	}
	for _, address := range []string{s.HTTP, s.NATS, s.MQTT} {
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("%s is not on loopback", address)
		}
	}
}

// TestGuarded: NATS clients are not let in by default where others must present something.
func TestGuarded(t *testing.T) {
	s, err := serve.Load(serve.Sources{Path: write(t, "tokens:\n  - {token: secretsecret, write: ['#']}\n")})
	if err != nil || s.NATS != "" || len(s.ServiceWrites) != 0 {
		t.Errorf("%q %q %v", s.NATS, s.ServiceWrites, err)
	}
}

// TestWritesOfNATSClients: where clients are told apart, those of NATS set what service_writes
// names, and nothing by default.
func TestWritesOfNATSClients(t *testing.T) {
	const tokens, access = "tokens: [{token: abcdefghijkl, read: ['#']}]\n", "nats: 127.0.0.1:4222\nnats_access: {users: {reader: abcdefghijkl}}\n"
	for text, want := range map[string]int{
		"":                               1,
		access:                           0,
		tokens + access:                  0,
		access + "service_writes: [a]\n": 1,
	} {
		s, err := serve.Load(serve.Sources{Path: write(t, "log_age: 7d\n"+text)})
		if err != nil || len(s.ServiceWrites) != want {
			t.Errorf("%q: service_writes is %q, %v; want %d patterns", text, s.ServiceWrites, err, want)
		}
	}
}

// TestEditors: what editors of several systems write is taken, and nothing is read that has
// no end.
func TestEditors(t *testing.T) {
	for _, text := range []string{"", "\ufeffname: a\r\nrecords:\r\n  - key: a\r\n    capacity: 5\r\n", "--- # one\nname: a\n...\n", "# nothing\n"} {
		if _, err := serve.Load(serve.Sources{Path: write(t, text)}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := serve.Load(serve.Sources{Path: write(t, "# "+strings.Repeat("x", 9<<20))}); err == nil || !strings.Contains(err.Error(), "longer than 8 MiB") {
		t.Errorf("a long file: %v", err)
	}
	if _, err := os.Stat("/dev/zero"); err != nil {
		needed.Missing(t, "a file without an end: %v", err)
	}
	for path, want := range map[string]string{"/dev/zero": "longer than 8 MiB", write(t, "tokens:\n  - {token_file: /dev/zero}\n"): "at most 65536 bytes"} {
		if _, err := serve.Load(serve.Sources{Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	path := write(t, "tokens:\n  - token_file: secret\n  - {token: plainplain, read: [a]}\nusers:\n  - {name: u, password: hunter22}\nhistory: postgres://u:hunter23@127.0.0.1/x\n"+
		"nats: 127.0.0.1:4333\nnats_access:\n  users: {n: hunter24}\nleaf:\n  - urls: ['nats-leaf://a:hunter25@127.0.0.1:7422', 'nats-leaf://hunter26@127.0.0.1:7422']\n    token: hunter27\n")
	secret := filepath.Join(filepath.Dir(path), "secret")
	if err := os.WriteFile(secret, []byte("fromfile123\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := serve.Load(serve.Sources{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if s.Tokens[0].Token != "fromfile123" {
		t.Errorf("the token is %q", s.Tokens[0].Token)
	}
	var printed strings.Builder
	if err := s.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"fromfile", "plainplain", "hunter"} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("%s is shown:\n%s", leak, printed.String())
		}
	}
	if err := os.WriteFile(secret, []byte("two\nlines\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serve.Load(serve.Sources{Path: path}); err == nil || !strings.Contains(err.Error(), "must have one line") {
		t.Errorf("two lines: %v", err)
	}
}
