package deploy

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// packages are a deb and an rpm with a binary of this checkout, and the deb of a later version.
type packages struct{ deb, later, rpm string }

func buildPackages(t *testing.T) packages {
	t.Helper()
	nfpm := need(t, "nfpm")
	dir := t.TempDir()
	binary, files := filepath.Join(dir, "aimdb"), filepath.Join(dir, "files")
	// Without C it is what a release has, and the packages that other tests compiled serve it
	// too. Without symbols it is linked and compressed in half the time.
	run(t, append(os.Environ(), "CGO_ENABLED=0"), "go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/aimdb")
	run(t, nil, "../scripts/release-files", binary, files)
	build := func(kind, binary string) string {
		env := append(os.Environ(), "KINDS="+kind, "BINARY="+binary, "FILES="+files, "PATH="+filepath.Dir(nfpm)+":"+os.Getenv("PATH"))
		run(t, env, "../scripts/package", filepath.Join(dir, kind), "0.9.0")
		found, err := filepath.Glob(filepath.Join(dir, kind, "*."+kind))
		if err != nil || len(found) != 1 {
			t.Fatalf("the packages of %s: %q, %v", kind, found, err)
		}
		return found[0]
	}
	// Nothing installs the rpm, so any file does as its program; compressing the real one takes
	// as long as all else that this test does.
	p := packages{deb: build("deb", binary), rpm: build("rpm", filepath.Join(files, "_aimdb"))}
	p.later = laterVersion(t, p.deb, "0.9.1")
	return p
}

// laterVersion is a deb with all that another one has, and a version of its own. It is not
// compressed, which takes a tenth of the time.
func laterVersion(t *testing.T, deb, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	run(t, nil, "dpkg-deb", "--raw-extract", deb, dir)
	control := filepath.Join(dir, "DEBIAN", "control")
	text := strings.Replace(read(t, control), "Version: 0.9.0\n", "Version: "+version+"\n", 1)
	if !strings.Contains(text, version) {
		t.Fatalf("the deb says of itself\n%s", text)
	}
	if err := os.WriteFile(control, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	later := dir + ".deb"
	run(t, nil, "dpkg-deb", "-Znone", "--root-owner-group", "--build", dir, later)
	return later
}

func run(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// system is a directory in which dpkg installs, as if it were /.
type system struct {
	t    *testing.T
	root string
}

func newSystem(t *testing.T) system {
	t.Helper()
	root, err := os.MkdirTemp("", "r") // not t.TempDir, which other users cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return system{t, root}
}

// dpkg runs the real dpkg. The scripts of the package run with DPKG_ROOT, and so touch no
// service of this machine.
func (s system) dpkg(args ...string) {
	s.t.Helper()
	run(s.t, nil, "dpkg", append([]string{"--root=" + s.root, "--force-script-chrootless", "--force-not-root", "--log=/dev/null"}, args...)...)
}

func (s system) path(name string) string { return filepath.Join(s.root, name) }

func (s system) has(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}

// TestPackages builds the packages once: it takes longer than all that is done with them.
func TestPackages(t *testing.T) {
	need(t, "dpkg")
	need(t, "dpkg-deb")
	p := buildPackages(t)
	t.Run("rpm", func(t *testing.T) { testRPM(t, p.rpm) })
	t.Run("deb", func(t *testing.T) { testDeb(t, p) })
	t.Run("systemd", func(t *testing.T) { testSystemd(t, p) })
}

// testDeb: the package installs with dpkg, what its unit starts serves and tells systemd, and
// settings and values stay where they should.
func testDeb(t *testing.T, p packages) {
	s := newSystem(t)
	s.dpkg("--install", p.deb)
	for _, name := range []string{"usr/bin/aimdb", "lib/systemd/system/aimdb.service", "etc/aimdb/aimdb.yaml",
		"usr/share/bash-completion/completions/aimdb", "usr/share/doc/aimdb/copyright", "usr/share/doc/aimdb/THIRD_PARTY.txt"} {
		if !s.has(name) {
			t.Errorf("/%s is not installed", name)
		}
	}
	serve(t, s)

	settings := s.path("etc/aimdb/aimdb.yaml")
	mine := read(t, settings) + "# mine\n"
	if err := os.WriteFile(settings, []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	s.dpkg("--install", p.later)
	if read(t, settings) != mine {
		t.Error("an upgrade has changed the settings")
	}
	s.dpkg("--remove", "aimdb")
	if s.has("usr/bin/aimdb") || s.has("lib/systemd/system/aimdb.service") || !s.has("etc/aimdb/aimdb.yaml") {
		t.Error("a removal leaves the settings, and nothing else")
	}
	s.dpkg("--purge", "aimdb")
	if s.has("etc/aimdb/aimdb.yaml") {
		t.Error("a purge leaves the settings")
	}
	if !s.has("var/lib/aimdb/history.db") {
		t.Error("a purge removes the values")
	}
}

// testRPM lets the real rpm check the digests of the package and list what is in it.
func testRPM(t *testing.T, path string) {
	need(t, "rpm")
	if out := run(t, nil, "rpm", "--checksig", "--nosignature", path); !strings.Contains(out, "digests OK") {
		t.Errorf("rpm says %s", out)
	}
	files := strings.Fields(run(t, nil, "rpm", "--query", "--package", "--nosignature", "--list", path))
	for _, name := range []string{"/usr/bin/aimdb", "/lib/systemd/system/aimdb.service", "/etc/aimdb/aimdb.yaml"} {
		if !slices.Contains(files, name) {
			t.Errorf("the rpm has %q, and not %s", files, name)
		}
	}
	if out := run(t, nil, "rpm", "--query", "--package", "--nosignature", "--configfiles", path); strings.TrimSpace(out) != "/etc/aimdb/aimdb.yaml" {
		t.Errorf("the settings in the rpm are %q", out)
	}
}

// serve starts the unit of a system, and sets and reads a value.
func serve(t *testing.T, s system) {
	t.Helper()
	data, sockets := s.path("var/lib/aimdb"), s.path("run/aimdb")
	for _, dir := range []string{data, sockets} { // as StateDirectory and RuntimeDirectory do
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			if err := os.Chown(dir, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	address := freeAddress(t)
	u := startUnit(t, s.root, "AIMDB_DIR="+data, "AIMDB_GATEWAYS="+filepath.Join(sockets, "a"), "AIMDB_HTTP="+address, "AIMDB_MQTT="+freeAddress(t), "AIMDB_NATS="+freeAddress(t))
	u.manager.hears(t, "READY=1")
	u.manager.hears(t, "WATCHDOG=1")
	put, err := http.NewRequest(http.MethodPut, "http://"+address+"/api/records/room", strings.NewReader(`{"celsius":21.5}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*http.Request{put, mustGet(t, "http://"+address+"/api/records/room")} {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode >= 300 || r.Method == http.MethodGet && !strings.Contains(string(body), "21.5") {
			t.Errorf("%s: %s %s, %v", r.Method, answer.Status, body, err)
		}
	}
	signal(t, u, syscall.SIGHUP)
	u.manager.hears(t, "RELOADING=1")
	u.manager.hears(t, "READY=1")
	signal(t, u, syscall.SIGTERM)
	u.manager.hears(t, "STOPPING=1")
	if err := u.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
}

func mustGet(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func signal(t *testing.T, s service, which syscall.Signal) {
	t.Helper()
	if err := s.Process.Signal(which); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
