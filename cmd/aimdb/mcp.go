package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/mcp"
)

func newMCP(env func(string) string) *cobra.Command {
	m := assistants{connection: connection{credentials: credentials{env: env}}}
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Serve databases and their history to assistants (MCP)",
		Long: `Serve running databases and their history to assistants over the Model Context Protocol:
on standard input and output, or with --listen over HTTP at /mcp.

A tool asks the database that its argument endpoint names, else that of --connect, else that
of AIMDB_CONNECT. It may name unix sockets and addresses of this machine; others need
--allow-endpoint. The token of --token or AIMDB_TOKEN is shown to the database of --connect
and to those of --allow-endpoint only.

Nothing can be changed without --allow-set. With it, set_record sets the records that match a
pattern; with '#', the counters can be reset too.

--listen serves this machine only, to all its users, and refuses web pages of others. To
listen on other addresses, or to keep other users out, give a token, in --listen-token-file
or AIMDB_MCP_TOKEN: clients present it as "Authorization: Bearer TOKEN".`,
		Example: `  aimdb mcp --connect /tmp/aimdb.sock
  aimdb mcp --connect tcp://127.0.0.1:7433 --allow-set 'hub.*'
  aimdb mcp --listen 127.0.0.1:7434
  aimdb mcp --listen 0.0.0.0:7434 --listen-token-file token`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.run(cmd) },
	}
	m.flag(c)
	c.Flags().Lookup("connect").Usage = "endpoint of the database that tools without the argument endpoint ask (default $AIMDB_CONNECT)"
	c.Flags().StringArrayVar(&m.allow, "allow-endpoint", nil, "endpoint on another machine that tools may name (may be repeated)")
	c.Flags().StringArrayVar(&m.allowSet, "allow-set", nil, "pattern of records that assistants may set (may be repeated)")
	c.Flags().IntVar(&m.answerBytes, "answer-bytes", 25_000, "size of the largest answer")
	c.Flags().StringVar(&m.listen, "listen", "", "address of a web server, as host:port, instead of standard input and output")
	c.Flags().StringVar(&m.tokenFile, "listen-token-file", "", "file with the token that clients of --listen present (default $AIMDB_MCP_TOKEN)")
	return c
}

// assistants has the flags of mcp.
type assistants struct {
	connection
	allow, allowSet   []string
	answerBytes       int
	listen, tokenFile string
}

func (m *assistants) run(cmd *cobra.Command) error {
	token, err := m.listenToken()
	if err != nil {
		return err
	}
	if m.target() == "" && len(m.allow) == 0 && m.token != "" {
		return usageError{errors.New("--token: no endpoint is given that it could be shown to; give --connect or --allow-endpoint with an address, or leave the token out")}
	}
	if e, err := aimx.ParseEndpoint(m.target()); err == nil && e.Path != "" && len(m.allow) == 0 {
		if err := m.forSocket(e.String()); err != nil {
			return err
		}
	}
	server, err := mcp.New(mcp.Config{
		Endpoint: m.target(), Allow: m.allow, AllowSet: m.allowSet, AnswerBytes: m.answerBytes, SocketDirs: socketDirs(m.env),
		Dial:    m.dial,
		Version: cmd.Root().Version, Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return usageError{err}
	}
	defer server.Close()
	if m.listen != "" {
		return m.serve(cmd, server, token)
	}
	return server.Run(cmd.Context(), io.NopCloser(cmd.InOrStdin()), unclosed{cmd.OutOrStdout()})
}

// dial connects to a configured endpoint. If there are several, the token is for those that
// are not sockets.
func (m *assistants) dial(ctx context.Context, endpoint string) (*aimx.Client, error) {
	if e, err := aimx.ParseEndpoint(endpoint); err == nil && e.Path != "" {
		return aimx.Dial(ctx, endpoint)
	}
	return dialed(ctx, endpoint, &m.credentials)
}

func (m *assistants) serve(cmd *cobra.Command, server *mcp.Server, token string) error {
	l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", m.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", m.listen, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "assistants are served at http://%v%s\n", l.Addr(), mcp.Path)
	return server.Serve(cmd.Context(), l, token)
}

// listenToken returns the token that clients of --listen present.
func (m *assistants) listenToken() (string, error) {
	if m.tokenFile == "" {
		return m.env("AIMDB_MCP_TOKEN"), nil
	}
	text, err := os.ReadFile(m.tokenFile)
	if err != nil {
		return "", usageError{fmt.Errorf("--listen-token-file: %w", err)}
	}
	token := strings.TrimSpace(string(text))
	switch {
	case m.listen == "":
		return "", usageError{errors.New("--listen-token-file needs --listen: a client on standard input presents no token")}
	case token == "":
		return "", usageError{fmt.Errorf("--listen-token-file: %s is empty", m.tokenFile)}
	}
	return token, nil
}

// unclosed is an output that stays open when the protocol ends.
type unclosed struct{ io.Writer }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }
