package main

import (
	"fmt"

	"github.com/spf13/cobra"

	aimdbserve "github.com/aimdb-go/aimdb/serve"
)

func newConfig(env func(string) string) *cobra.Command {
	return group("config", "Check and show the settings of aimdb serve",
		newConfigCheck(env), newConfigPrint(env), newConfigSchema())
}

func newConfigCheck(env func(string) string) *cobra.Command {
	var s serveFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Check the settings of aimdb serve",
		Long: `Check the settings of aimdb serve, as it would read them with the same flags. Schemas are
compiled. Nothing is opened: whether a port is free is not checked. The status is 0 if the
settings are right and 1 if they are not; all that is wrong is listed with its place.`,
		Example: `  aimdb config check --config aimdb.yaml`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.load(env)
			if err != nil {
				return err
			}
			for _, warning := range settings.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "The settings are right.")
			return err
		},
	}
	s.addFlags(c.Flags())
	return c
}

func newConfigPrint(env func(string) string) *cobra.Command {
	var s serveFlags
	c := &cobra.Command{
		Use:   "print",
		Short: "Show the settings in force and where each comes from",
		Long: `Show the settings in force as YAML, with a comment at each that says where it was given: the
line of the file, the variable, the flag, or default. Secrets are hidden.`,
		Example: `  aimdb config print --config aimdb.yaml
  AIMDB_HTTP=off aimdb config print`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.load(env)
			if err != nil {
				return err
			}
			return settings.Print(cmd.OutOrStdout())
		},
	}
	s.addFlags(c.Flags())
	return c
}

func newConfigSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the file of settings",
		Long: `Print the JSON Schema of the file of settings. Editors check and complete the file by it: write
it to a file, and put this line at the top of the settings:
# yaml-language-server: $schema=aimdb.schema.json`,
		Example: `  aimdb config schema > aimdb.schema.json`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(aimdbserve.JSONSchema())
			return err
		},
	}
}
