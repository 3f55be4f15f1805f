package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRequireToken: with require_token a listener that other machines reach and that lets
// everybody in is an error with its setting, and one that asks is none.
func TestRequireToken(t *testing.T) {
	const off, token = "http: off\nmqtt: off\nnats: off\n", "tokens: [{token: secret, read: ['#']}]\n"
	mutual := "tls: {cert_file: a.pem, key_file: a.key, ca_file: ca.pem}\n"
	for _, one := range []struct {
		name, text, refused string
	}{
		{"loopback", "", ""},
		{"names of loopback", "http: localhost:8080\nmqtt: '[::1]:1883'\nnats: :4222\n", ""},
		{"http", "http: 0.0.0.0:8080\nmqtt: off\nnats: off\n", "http"},
		{"http on an address", "http: 192.0.2.1:8080\nmqtt: off\nnats: off\n", "http"},
		{"a host name", "http: hub.example.com:8080\nmqtt: off\nnats: off\n", "http"},
		{"tcp", off + "tcp: 0.0.0.0:7433\n", "tcp"},
		{"mqtt", "http: off\nnats: off\nmqtt: '[::]:1883'\n", "mqtt"},
		{"nats", "http: off\nmqtt: off\nnats: 0.0.0.0:4222\n", "nats"},
		{"with a token", "http: 0.0.0.0:8080\nmqtt: 0.0.0.0:1883\ntcp: 0.0.0.0:7433\n" + token, ""},
		{"nats with a token of its own", "http: off\nmqtt: off\nnats: 0.0.0.0:4222\nnats_access: {token: secret}\n", ""},
		{"certificates of clients", "http: 0.0.0.0:8080\nmqtt: 0.0.0.0:8883\nnats: 0.0.0.0:4222\n" + mutual, ""},
		{"mqtt with certificates of its own", "http: 0.0.0.0:8080\nmqtt: 0.0.0.0:8883\nnats: off\n" + mutual + "mqtt_tls: {cert_file: b.pem, key_file: b.key}\n", "mqtt"},
	} {
		t.Run(one.name, func(t *testing.T) {
			for _, required := range []bool{true, false} {
				path := filepath.Join(t.TempDir(), "f.yaml")
				text := one.text
				if required {
					text += "require_token: true\n"
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := Load(Sources{Path: path})
				if got := err != nil && strings.Contains(err.Error(), one.refused+": ") && strings.Contains(err.Error(), "which require_token forbids"); got != (required && one.refused != "") {
					t.Errorf("require_token: %v: %v", required, err)
				}
			}
		})
	}
}
