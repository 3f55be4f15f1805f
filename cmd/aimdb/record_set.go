package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
)

// maxValueFile bounds what record set reads from a file.
const maxValueFile = 64 << 20

func newRecordSet(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var dryRun bool
	c := &cobra.Command{
		Use:   "set KEY JSON|@FILE|-",
		Short: "Set a writable record",
		Long: `Set a writable record and print the value read back, if the record has one.

The value is JSON: an argument, the content of a file after @, or what is on the standard
input for -.

With --dry-run the database checks the value and sets nothing: whether the record can be set
from outside, whether the token allows it, and whether the value has the type of the record.`,
		Example: `  aimdb record set hub.settings '{"tolerance_celsius":1.5}'
  aimdb record set hub.settings @settings.json --dry-run
  aimdb record get hub.settings | jq '.tolerance_celsius = 2' | aimdb record set hub.settings -`,
		Args: arguments("KEY", "JSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
				return err
			}
			text, err := valueOf(args[1], cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := jsonrule.Check(text); err != nil {
				return usageError{fmt.Errorf("the value %.60q %w; a text needs quotes: '\"text\"'", text, err)}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				if dryRun {
					return check(cmd, client, args[0], text)
				}
				value, err := client.Set(cmd.Context(), args[0], json.RawMessage(text))
				if err != nil || value == nil {
					return err
				}
				return printValue(cmd, f, value)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	c.Flags().BoolVar(&dryRun, "dry-run", false, "let the database check the value, and set nothing")
	return c
}

// check lets the database check a value.
func check(cmd *cobra.Command, client *aimx.Client, key string, value json.RawMessage) error {
	err := client.CheckSet(cmd.Context(), key, value)
	if refused := (*aimx.Refusal)(nil); errors.As(err, &refused) && refused.Code == aimx.CodeNotFound {
		return fmt.Errorf("%w; this server cannot check a value without setting it, and nothing was set", err)
	}
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s can be set to this value; nothing was set\n", key)
	}
	return err
}

// valueOf returns a value: the argument itself, the content of a file, or the standard
// input. No JSON begins with @, and - alone is none.
func valueOf(arg string, stdin io.Reader) ([]byte, error) {
	file, named := strings.CutPrefix(arg, "@")
	switch {
	case arg == "-":
		return readValue(stdin, "the standard input")
	case !named:
		return []byte(arg), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("read the value: %w", err)}
	}
	defer func() { _ = f.Close() }() // it was only read
	return readValue(f, file)
}

func readValue(r io.Reader, from string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxValueFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	if len(text) > maxValueFile {
		return nil, fmt.Errorf("read the value: %s has more than %d MiB", from, maxValueFile>>20)
	}
	return text, nil
}
