package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
)

// completed returns what a command line is completed with.
func completed(t *testing.T, line ...string) []string {
	t.Helper()
	r := aimdb(t, append([]string{"__complete"}, line...)...)
	if strings.Contains(r.stderr, "aimdb:") {
		t.Errorf("%v says %s", line, r.stderr)
	}
	words := strings.Fields(r.ok(t))
	return words[:len(words)-1] // the last one is the directive
}

// kitchen serves some records, and is what commands find without --connect.
func kitchen(t *testing.T) (socket string) {
	t.Helper()
	socket = filepath.Join(socketDir(t), "kitchen.sock")
	serve(t, func(db *embedded.DB) error {
		for key, writable := range map[string]bool{"kitchen::light": true, "kitchen::oven": false, "cellar.door": false} {
			options := []embedded.RecordOption{embedded.Latest(), embedded.Remote(), embedded.Initial(1.0)}
			if writable {
				options = append(options, embedded.Writable())
			}
			if _, err := embedded.Register[float64](db, key, options...); err != nil {
				return err
			}
		}
		return nil
	}, embedded.Name("kitchen"), embedded.Gateway(socket))
	return socket
}

// TestCompletionOfValues: keys, patterns, kinds, formats and endpoints are completed with
// those that there are.
func TestCompletionOfValues(t *testing.T) {
	socket := kitchen(t)
	for _, c := range []struct {
		line string // the last word is what is completed
		want string
	}{
		{"record drain kitchen", "kitchen::light kitchen::oven"},
		{"record get --connect " + socket + " cellar", "cellar.* cellar.door"},
		{"record get a b cellar.d", "cellar.door"},
		{"record set kitchen", "kitchen::light"},
		{"record set kitchen::light ", ""},
		{"record watch ", "# cellar.* kitchen::* cellar.door kitchen::light kitchen::oven"},
		{"record query k", "kitchen::* kitchen::light kitchen::oven"},
		{"history query " + socket + " cell", "cellar.* cellar.door"},
		{"history query absent.db cell", ""},
		{"instance ping --connect unix", "unix://" + socket},
		{"sink run p", "parquet postgres"},
		{"sink dead-letters x.db re", "retry"},
		{"instance list x", ""},
		{"--ver", "--version"},
	} {
		got := completed(t, strings.Split(c.line, " ")...)
		got = slices.DeleteFunc(got, func(s string) bool { return !strings.HasPrefix(s, c.line[strings.LastIndex(c.line, " ")+1:]) })
		want := strings.Fields(c.want)
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%q is completed with %q, want %q", c.line, got, want)
		}
	}
	formats := completed(t, "record", "list", "--format", "")
	if !slices.Contains(formats, "table") || !slices.Contains(formats, "json") {
		t.Errorf("the formats are %v", formats)
	}
}

// TestCompletionWithoutADatabase: no database, one that is silent and one that refuses
// complete nothing, say nothing and do not take long.
func TestCompletionWithoutADatabase(t *testing.T) {
	dir := socketDir(t)
	for name, connect := range map[string]string{
		"none": "", "absent": filepath.Join(dir, "absent"), "nonsense": "gopher://x",
		"silent":  serveScript(t, func(net.Conn, string) {}),
		"refuses": serveScript(t, func(c net.Conn, frame string) { replyTo(c, frame, `"err":"denied"`) }),
	} {
		begun := time.Now()
		if got := completed(t, "record", "get", "--connect", connect, ""); len(got) != 0 {
			t.Errorf("%s completes %q", name, got)
		}
		if took := time.Since(begun); took > completionTimeout+20*time.Second {
			t.Errorf("%s takes %s", name, took)
		}
	}
}

// notInstalled skips a test, but for one that CI runs.
func notInstalled(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" && what != "pwsh" {
		t.Fatal(what + " is not installed")
	}
	t.Skip(what + " is not installed")
}

// shell runs a script in a shell in which aimdb is the binary of the tests. It skips the
// test if there is no such shell.
func shell(t *testing.T, name, script string) string {
	t.Helper()
	return shellIn(t, t.TempDir(), name, script)
}

// shellIn is shell in a directory, with more variables.
func shellIn(t *testing.T, dir, name, script string, env ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		notInstalled(t, name)
	}
	cmd := exec.CommandContext(t.Context(), path, "-c", script)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "HOME="+dir, "PATH="+filepath.Dir(os.Getenv(binaryVariable))+string(filepath.ListSeparator)+os.Getenv("PATH")), env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s\n%v\n%s%s", script, err, out.String(), said.String())
	}
	return out.String()
}

// TestCompletionInBash runs the functions that a TAB runs. Bash takes :: for the end of a
// word, and so needs what is left of the word.
func TestCompletionInBash(t *testing.T) {
	const library = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(library); err != nil {
		notInstalled(t, "the package bash-completion")
	}
	kitchen(t)
	for words, want := range map[string]string{
		"aimdb rec":                       "record",
		"aimdb record drain cel":          "cellar.door",
		"aimdb record drain kitchen :: o": "oven",
		"aimdb record set kitchen ::":     "light",
		"aimdb record list --format j":    "json",
		"aimdb sink run po":               "postgres",
		"aimdb record get --connect nope": "",
	} {
		out := shell(t, "bash", `
			source `+library+`
			source <(aimdb completion bash)
			COMP_WORDS=(`+words+`) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9 COMP_KEY=9
			COMP_LINE='`+strings.ReplaceAll(words, " ::", "::")+`'; COMP_LINE="${COMP_LINE//:: /::}" COMP_POINT=${#COMP_LINE}
			__start_aimdb 2> /dev/null
			printf '%s\n' "${COMPREPLY[@]}"`)
		first, _, _ := strings.Cut(strings.TrimSpace(out), " ")
		if strings.Split(first, "\n")[0] != want {
			t.Errorf("%s is completed with %q, want %q", words, out, want)
		}
	}
}

// TestCompletionInFish asks fish what it would complete.
func TestCompletionInFish(t *testing.T) {
	kitchen(t)
	out := shell(t, "fish", `aimdb completion fish | source; complete -C 'aimdb record get kitchen::o'`)
	if strings.TrimSpace(out) != "kitchen::oven" {
		t.Errorf("fish completes %q", out)
	}
}

// TestCompletionScripts: each shell that is installed reads its script.
func TestCompletionScripts(t *testing.T) {
	for name, script := range map[string]string{
		"bash": "bash -n <(aimdb completion bash)",
		"zsh":  "aimdb completion zsh > _aimdb && zsh -n _aimdb && autoload -U compinit && compinit -u && source ./_aimdb",
		"fish": "aimdb completion fish > s && fish -n s",
		"pwsh": "aimdb completion powershell | Out-String | Invoke-Expression",
	} {
		t.Run(name, func(t *testing.T) { shell(t, name, script) })
	}
	if out := aimdb(t, "completion", "powershell").ok(t); !strings.Contains(out, "Register-ArgumentCompleter") {
		t.Errorf("the script of PowerShell is %.100s", out)
	}
}
