package serve_test

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/serve"
)

// TestTakenNamesFlags: a second server on the same directory, port or socket is told setting
// and flag, also where nobody gave them.
func TestTakenNamesFlags(t *testing.T) {
	first := start(t, "http: 127.0.0.1:0\n")
	port, dir := first.DB().Addresses().HTTP, filepath.Join(filepath.Dir(first.path), "data")
	socket := filepath.Join(t.TempDir(), "a.sock")
	other, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	flags := map[string]string{"http": "--http", "dir": "--data", "gateways": "--aimx"}
	for _, c := range []struct{ name, settings, want string }{
		{"port", "dir: %[1]s\nhttp: %[2]s\ngateways: []\n", "yaml:2:1; flag --http)"},
		{"socket", "dir: %[1]s\nhttp: off\ngateways: [%[3]s]\n", "yaml:3:12; flag --aimx)"},
		{"directory", "dir: %[4]s\nhttp: off\ngateways: []\n", "yaml:1:1; flag --data)"},
		{"directory without a history", "dir: %[4]s\nhistory: off\nhttp: off\ngateways: []\n", "yaml:1:1; flag --data)"},
	} {
		text := fmt.Sprintf(c.settings+"nats: off\nmqtt: off\n%.0[1]s%.0[2]s%.0[3]s%.0[4]s", t.TempDir(), port, socket, dir)
		s, err := serve.Load(serve.Sources{Path: write(t, text), FlagOf: flags})
		if err != nil {
			t.Fatal(err)
		}
		_, err = serve.Open(s, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "(setting ") || !strings.HasSuffix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want+":") {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
