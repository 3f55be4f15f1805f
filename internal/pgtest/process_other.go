//go:build !linux

package pgtest

import (
	"errors"
	"os/exec"
	"time"
)

const supported = false

var errUnsupported = errors.New("PostgreSQL is not started here")

type process struct{ done chan struct{} }

func start(*exec.Cmd) (*process, error) { return nil, errUnsupported }

func (p *process) pid() int    { return 0 }
func (p *process) stop() error { return errUnsupported }
func (p *process) kill()       {}

func children(int) []int          { return nil }
func processor(int) time.Duration { return 0 }
func unprivileged(*exec.Cmd)      {}
func own(string) error            { return errUnsupported }
