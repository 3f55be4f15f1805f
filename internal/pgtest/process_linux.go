package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const supported = true

// process is a running server. It ends with the test binary, even if that is killed.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

func start(cmd *exec.Cmd) (*process, error) {
	unprivileged(cmd)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread() // the signal comes when the thread ends that started the process
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended says its log
		}
	}()
	return p, <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks for a fast shutdown and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		p.kill()
		return errors.New("it did not stop in time and was killed")
	}
}

// kill ends the server and its children, and returns when they are gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP) // no more children; an error says that it has ended
	running := children(p.pid())
	for _, pid := range running {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	for _, pid := range running {
		for alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// children returns the processes that a process has started.
func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, stat := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if state, ppid := status(pid); err == nil && ppid == parent && state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

func alive(pid int) bool {
	state, _ := status(pid)
	return state != "" && state != "Z"
}

// status returns the state and the parent of a process. The state is empty if there is no
// such process.
func status(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // after the name, which has no such text
	_, _ = fmt.Sscan(rest, &state, &parent)
	return state, parent
}

// processor returns the processor time that a process has used, 0 if it has ended.
func processor(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0
	}
	var ns int64
	_, _ = fmt.Sscan(string(text), &ns) // the first number
	return time.Duration(ns)
}

// unprivileged makes a command run as somebody else if the test runs as root, which
// PostgreSQL refuses.
func unprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if uid, gid, ok := nobody(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
}

// own gives a directory to the user that the server runs as.
func own(dir string) error {
	uid, gid, ok := nobody()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}

// nobody returns the user that the server runs as. It is not ok if that is our own.
func nobody() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		_, err = fmt.Sscan(u.Uid+" "+u.Gid, &uid, &gid)
		return uid, gid, err == nil
	}
	return 0, 0, false
}
