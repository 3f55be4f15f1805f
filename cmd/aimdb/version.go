package main

import (
	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/internal/buildtext"
)

// setVersion lets a command print on --version what it was built from.
func setVersion(c *cobra.Command) {
	c.Version = buildtext.Own()
	c.Flags().Bool("version", false, "print version, commit and Go version")
}
