package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

const (
	// maxProducedLine bounds a line of produce.
	maxProducedLine = 8 << 20
	// producedAtOnce bounds the lines that wait for the log.
	producedAtOnce = 512
)

func newProduce(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	c := &cobra.Command{
		Use:   "produce KEY",
		Short: "Set a record to each line of the standard input",
		Long: `Set a writable record to each line of the standard input, which is a JSON value, in order.
Empty lines are skipped.

It ends with status 0 only if the database has acknowledged each value as logged, so that a
crash of the database loses none of them. A line that is refused is reported with its number
and what is wrong; the others are set, and the status is 1. After Ctrl-C no more is read, and
the end comes when what was read is acknowledged.`,
		Example: `  echo '{"celsius":21.5}' | aimdb produce attic.air
  tail -f sensor.ndjson | aimdb produce attic.air --connect tcp://hub:7433`,
		Args: arguments("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
				return err
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				p := &producer{client: client, key: args[0], errors: cmd.ErrOrStderr(), sent: make(chan producedLine, producedAtOnce)}
				return p.run(cmd.Context(), cmd.InOrStdin())
			})
		},
	}
	at.flag(c)
	return c
}

// producer sends lines and waits for their acknowledgements.
type producer struct {
	client *aimx.Client
	key    string
	errors io.Writer
	sent   chan producedLine
	// logged and refused count lines, unlogged those that nobody knows to be logged. They
	// and broken, which ends everything, are for await.
	logged, refused, unlogged int
	broken                    error
}

// producedLine is a line that was read.
type producedLine struct {
	number int
	set    *aimx.LoggedSet // nil if it was not sent, because of err
	err    error
}

// run sends what is read until ctx ends, and waits for it.
func (p *producer) run(ctx context.Context, stdin io.Reader) error {
	// The connection outlives Ctrl-C, for what is under way.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		for line := range p.sent {
			if err := p.await(work, line); err != nil {
				cancel(err)
			}
		}
	}()
	err := p.send(ctx, work, readLines(stdin, work))
	close(p.sent)
	<-waited
	return p.outcome(err)
}

// send sends lines until there are no more, ctx ends, or work fails.
func (p *producer) send(ctx, work context.Context, lines <-chan inputLine) error {
	for {
		var line inputLine
		select {
		case <-ctx.Done():
			return nil
		case <-work.Done():
			return nil // await says why
		case line = <-lines:
		}
		if line.err != nil {
			if errors.Is(line.err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read line %d of the standard input: %w", line.number, line.err)
		}
		one := producedLine{number: line.number}
		if one.err = line.wrong(); one.err == nil {
			var err error
			if one.set, err = p.client.BeginSet(work, p.key, line.text); err != nil {
				return fmt.Errorf("line %d: %w", line.number, err)
			}
		}
		p.sent <- one
	}
}

// await waits for the acknowledgement of a line. It returns an error that ends everything.
func (p *producer) await(ctx context.Context, line producedLine) error {
	err := line.err
	if line.set != nil {
		err = line.set.Wait(ctx)
	}
	var refused *aimx.Refusal
	switch {
	case err == nil:
		p.logged++
		return nil
	case line.set == nil || errors.As(err, &refused):
		p.refused++
		fmt.Fprintf(p.errors, "line %d: %v\n", line.number, err)
		return nil
	}
	p.unlogged++
	if p.broken == nil {
		p.broken = fmt.Errorf("line %d: %w", line.number, err)
	}
	return p.broken
}

// outcome returns how it ended.
func (p *producer) outcome(err error) error {
	if p.broken != nil {
		err = p.broken
	}
	said := counted.Of(p.logged, "line") + " logged"
	switch {
	case errors.Is(err, aimx.ErrNotLogged):
		return fmt.Errorf("%w; %s, and produce acknowledges nothing else: persist the record, use a newer database, or use record set", err, said)
	case err != nil && p.unlogged > 0:
		return fmt.Errorf("%w; %s, and nobody knows of %s", err, said, counted.Of(p.unlogged, "more line"))
	case err != nil:
		return fmt.Errorf("%w; %s", err, said)
	case p.refused > 0:
		return fmt.Errorf("%s refused; %s", counted.Of(p.refused, "line"), said)
	}
	return nil
}

// inputLine is a line of the standard input, or the error at its end.
type inputLine struct {
	number int
	text   []byte
	long   bool
	err    error
}

// wrong returns why a line is no value.
func (l inputLine) wrong() error {
	if l.long {
		return fmt.Errorf("it has more than %d MiB, and is not sent", maxProducedLine>>20)
	}
	if err := jsonrule.Check(l.text); err != nil {
		return fmt.Errorf("the value %.60q %w", l.text, err)
	}
	return nil
}

// readLines reads lines that are not empty, until ctx ends. The goroutine may wait for a
// terminal when the command ends.
func readLines(from io.Reader, ctx context.Context) <-chan inputLine {
	lines := make(chan inputLine)
	go func() {
		reader := bufio.NewReaderSize(from, 64<<10)
		for number := 1; ; number++ {
			line := readLine(reader)
			line.number = number
			if len(line.text) > 0 || line.long {
				select {
				case lines <- inputLine{number, line.text, line.long, nil}:
				case <-ctx.Done():
					return
				}
			}
			if line.err == nil {
				continue
			}
			select {
			case lines <- inputLine{number: number, err: line.err}:
			case <-ctx.Done():
			}
			return
		}
	}()
	return lines
}

// readLine reads one line, which may end without a line feed. Of a line that is too long
// it keeps nothing.
func readLine(r *bufio.Reader) (line inputLine) {
	for {
		part, err := r.ReadSlice('\n')
		if !line.long {
			line.text = append(line.text, part...)
		}
		if len(line.text) > maxProducedLine+1 {
			line.text, line.long = nil, true
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line.text, line.err = bytes.TrimSpace(line.text), err
		return line
	}
}
