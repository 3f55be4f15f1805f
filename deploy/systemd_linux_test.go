package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testSystemd: the package and its unit under a real systemd, from the installation to the
// removal. The parts build on each other.
func testSystemd(t *testing.T, p packages) {
	for _, program := range []string{"curl", "ip"} {
		need(t, program)
	}
	m := bootMachine(t)
	m.install(p.deb)
	m.run("systemctl", "enable", "--now", "aimdb")
	m.set("1")
	part := func(name string, test func(machine, packages)) {
		t.Run(name, func(t *testing.T) { test(machine{t, m.first}, p) })
	}
	part("user", machine.testUser)
	part("reload", machine.testReload)
	part("upgrade", machine.testUpgrade)
	part("watchdog", machine.testWatchdog)
	part("networks and credentials", machine.testOpen)
	part("another user's files", machine.testAnotherUser)
	part("disk", machine.testDisk)
	part("removal", machine.testRemoval)
}

const unitData = "/var/lib/private/aimdb" // where systemd has the directory of a dynamic user

func (m machine) install(deb string) {
	m.t.Helper()
	text, err := os.ReadFile(deb)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("/tmp/aimdb.deb", string(text))
	m.run("dpkg", "--install", "/tmp/aimdb.deb")
}

// ask returns the status and the body that the server in the machine answers with.
func (m machine) ask(args ...string) string {
	m.t.Helper()
	return m.run("curl", append([]string{"--silent", "--show-error", "--max-time", "60", "--write-out", " %{http_code}"}, args...)...)
}

const room = "http://127.0.0.1:8080/api/records/room"

func (m machine) set(value string) {
	m.t.Helper()
	if said := m.ask("--request", "PUT", "--data", value, room); said != " 204" {
		m.t.Fatalf("PUT is answered with %s", said)
	}
}

// has checks that the value is there, which a start takes from the directory.
func (m machine) has(value string) {
	m.t.Helper()
	if said := m.ask(room); !strings.Contains(said, `"value":`+value+",") {
		m.t.Errorf("the value is not %s: %s", value, said)
	}
}

// fails starts the unit, which must not work, and compares what it says with a line of the
// document about services.
func (m machine) fails(want string) {
	m.t.Helper()
	if out, err := m.try("systemctl", "restart", "aimdb"); err == nil {
		m.t.Errorf("it starts: %s", out)
	}
	if said := m.journal(); !strings.Contains(said, want) {
		m.t.Errorf("it says %s\nwant %s", said, want)
	}
	if document := read(m.t, "../docs/how-to/run-as-a-service.md"); !strings.Contains(document, want) {
		m.t.Errorf("the document does not have %q", want)
	}
}

// testUser: systemd makes a user, who owns the data and may do nothing.
func (m machine) testUser(packages) {
	status := read(m.t, m.path("/proc/"+m.property("MainPID")+"/status"))
	if strings.Contains(status, "\nUid:\t0\t") || !strings.Contains(status, "\nCapBnd:\t0000000000000000\n") || !strings.Contains(status, "\nNoNewPrivs:\t1\n") {
		m.t.Errorf("the service is this process:\n%s", status)
	}
	if owner := m.run("stat", "--format", "%U %a", unitData+"/history.db"); owner != "aimdb 600\n" {
		m.t.Errorf("owner and mode of the history are %s", owner)
	}
	if text := m.property("StatusText"); text != "serves" {
		m.t.Errorf("its status is %q", text)
	}
	m.run("aimdb", "record", "get", "room", "--connect", "/run/aimdb/aimdb.sock")
}

func (m machine) testReload(packages) {
	before := m.property("MainPID")
	m.run("systemctl", "reload", "aimdb")
	if after := m.property("MainPID"); after != before {
		m.t.Errorf("a reload makes process %s of %s", after, before)
	}
	m.has("1")
}

// testUpgrade: the package restarts a service that runs.
func (m machine) testUpgrade(p packages) {
	before := m.property("MainPID")
	m.install(p.later)
	if after := m.property("MainPID"); after == before || m.property("ActiveState") != "active" {
		m.t.Errorf("after an upgrade process %s runs, and before %s", after, before)
	}
	if result := m.property("Result"); result != "success" {
		m.t.Errorf("the old process ends with %s", result)
	}
	m.has("1")
}

// testWatchdog: systemd ends a process that gives no sign of life, and starts another.
func (m machine) testWatchdog(packages) {
	m.dropIn("watchdog", "[Service]\nWatchdogSec=2s\n")
	m.set("2")
	m.run("kill", "-STOP", m.property("MainPID"))
	m.await("systemd restarts a stopped process", func() bool {
		return m.property("NRestarts") == "1" && m.property("ActiveState") == "active"
	})
	if said := m.journal(); !strings.Contains(said, "Watchdog timeout") {
		m.t.Errorf("the journal has %s", said)
	}
	m.has("2")
	m.dropIn("watchdog", "")
}

// dropIn restarts the unit with settings of its own.
func (m machine) dropIn(name, text string) {
	m.t.Helper()
	m.write("/etc/systemd/system/aimdb.service.d/"+name+".conf", text)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "aimdb")
}

// testOpen follows the document: other machines reach the server once the settings and the unit
// both say so, and a secret comes from a file of root.
func (m machine) testOpen(packages) {
	settings := read(m.t, m.path("/etc/aimdb/aimdb.yaml"))
	document := read(m.t, "../docs/how-to/run-as-a-service.md")
	block := func(kind, with string) string {
		m.t.Helper()
		for part := range strings.SplitSeq(document, "```"+kind+"\n") {
			if text, _, found := strings.Cut(part, "```"); found && strings.Contains(text, with) {
				return text
			}
		}
		m.t.Fatalf("the document has no block with %q", with)
		return ""
	}
	m.run("install", "-d", "-m", "700", "/etc/aimdb/secrets")
	m.write("/etc/aimdb/secrets/gauge.token", "secretsecretsecret\n")
	m.run("chmod", "600", "/etc/aimdb/secrets/gauge.token")
	var kept []string // the document replaces these
	for line := range strings.Lines(settings) {
		if name, _, _ := strings.Cut(line, ":"); name != "http" && name != "nats" && name != "service_writes" {
			kept = append(kept, line)
		}
	}
	m.write("/etc/aimdb/aimdb.yaml", strings.Join(kept, "")+block("yaml", "require_token"))
	m.dropIn("secrets", block("ini", "LoadCredential"))

	const other = "192.168.7.1"
	m.run("ip", "address", "add", other+"/32", "dev", "lo")
	if out, err := m.try("curl", "--silent", "--max-time", "2", "http://"+other+":8080/livez"); err == nil {
		m.t.Errorf("another address is answered with %s", out)
	}
	m.dropIn("networks", block("ini", "192.168.7.0/24"))
	if said := m.ask("http://" + other + ":8080/livez"); !strings.HasSuffix(said, " 200") {
		m.t.Errorf("an allowed address is answered with %s", said)
	}
	if said := m.ask(room); !strings.HasSuffix(said, " 401") {
		m.t.Errorf("without a token the answer is %s", said)
	}
	if said := m.ask("--header", "Authorization: Bearer secretsecretsecret", room); !strings.Contains(said, `"value":2,`) {
		m.t.Errorf("with the token the answer is %s", said)
	}
	m.write("/etc/aimdb/aimdb.yaml", settings)
	m.dropIn("secrets", "")
}

// testAnotherUser: root has run the server with the directory of the unit.
func (m machine) testAnotherUser(packages) {
	m.run("systemctl", "stop", "aimdb")
	m.run("find", unitData, "-mindepth", "1", "-exec", "chown", "root:", "{}", "+")
	m.fails("unable to open database file (14) (it or its directory is missing, or the user of this process may not write there)")
	m.run("systemctl", "stop", "aimdb")
	m.run("chown", "--recursive", "root:", unitData) // as the document says
	m.run("systemctl", "start", "aimdb")
	m.has("2")
}

// testDisk: a disk that is read-only, and one that is full.
func (m machine) testDisk(packages) {
	m.run("systemctl", "stop", "aimdb")
	const saved = "/var/lib/private/saved"
	m.run("mv", unitData, saved)
	m.run("mkdir", unitData)
	m.run("mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", unitData)
	m.run("cp", "--archive", saved+"/.", unitData)
	m.run("systemctl", "start", "aimdb")
	m.has("2")

	m.run("systemctl", "stop", "aimdb")
	m.run("mount", "-o", "remount,ro", unitData)
	m.fails("lock /var/lib/private/aimdb/history.db.lock: read-only file system")
	m.run("mount", "-o", "remount,rw", unitData)
	m.await("systemd starts it on a disk that can be written again", m.serves)
	m.has("2")

	m.run("systemctl", "stop", "aimdb")
	if _, err := m.try("sh", "-c", "head -c 64M /dev/zero >"+unitData+"/filler"); err == nil {
		m.t.Fatal("the disk is not full")
	}
	m.fails("(its disk is full or failing)")
	m.run("rm", unitData+"/filler")
	m.await("systemd starts it on a disk that has space again", m.serves)
	m.has("2")
}

func (m machine) serves() bool { return m.property("ActiveState") == "active" }

// testRemoval: nothing runs and starts any more, and the values stay.
func (m machine) testRemoval(packages) {
	m.run("dpkg", "--remove", "aimdb")
	if said := m.journal(); !strings.Contains(said, "aimdb.service: Deactivated successfully.") {
		m.t.Errorf("it does not end in order: %s", said)
	}
	if out, err := m.try("systemctl", "is-active", "aimdb"); err == nil {
		m.t.Errorf("it is %s", out)
	}
	if links, err := filepath.Glob(m.path("/etc/systemd/system/*.wants/aimdb.service")); err != nil || len(links) != 0 {
		m.t.Errorf("it is enabled by %q, %v", links, err)
	}
	m.run("test", "-s", unitData+"/history.db")
}
