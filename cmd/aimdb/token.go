package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"

	"github.com/aimdb-go/aimdb/access"
)

// passwordCost is the cost of the hashes that token makes: about a tenth of a second.
const passwordCost = 11

func newToken() *cobra.Command {
	var user string
	c := &cobra.Command{
		Use:   "token",
		Short: "Make a token, or the hash of a password",
		Long: `Make a random token, and print it with its SHA-256. Settings hold the hash instead of the
token: for aimdb serve as hash: below tokens: in the file of --config, for aimdb demo and
aimdb gateway as hash= in the file of --tokens.

With --user, read a password from the standard input and print the name with the bcrypt hash
of the password, as htpasswd -B does, and then the line for users: in the file of --config.
Add what the user may do to it, such as read: ["#"].`,
		Example: `  aimdb token
  aimdb token --user ann < password.txt`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("user") {
				return printUser(cmd, user)
			}
			token := rand.Text()
			hash := sha256.Sum256([]byte(token))
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "token=%s\nhash=%s\n", token, hex.EncodeToString(hash[:]))
			return err
		},
	}
	c.Flags().StringVar(&user, "user", "", "name of a user: read a password and print its hash")
	return c
}

func printUser(cmd *cobra.Command, name string) error {
	if _, err := access.NewList(nil, []access.User{{Name: name, Password: "x"}}); err != nil {
		return usageError{fmt.Errorf("--user: %w", err)}
	}
	password, err := readPassword(cmd, name)
	if err != nil {
		return err
	}
	if _, err := access.NewList(nil, []access.User{{Name: name, Password: password}}); err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	if err != nil {
		return fmt.Errorf("hash the password of %s: %w", name, err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s:%s\n- {name: %q, hash: %q}\n", name, hash, name, hash)
	return err
}

// readPassword reads one line. A terminal does not show it.
func readPassword(cmd *cobra.Command, name string) (string, error) {
	if file, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprintf(cmd.ErrOrStderr(), "Password of %s: ", name)
		password, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return string(password), err
	}
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", usageError{errors.New("the standard input has no password; write it on one line")}
	}
	return password, nil
}
