package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx"
)

// completionTimeout bounds what a completion asks a database. The user waits for it.
const completionTimeout = time.Second

// complete gives the commands below one their completion, by the words of their usage: KEY
// and PATTERN are those of the running database, list|retry are words, and the others are
// files. A flag whose type is table|json has these values.
func complete(c *cobra.Command, env func(string) string) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if fn := completeFlag(f, env); fn != nil {
			cobra.CheckErr(c.RegisterFlagCompletionFunc(f.Name, fn)) // fails for a second function of a flag
		}
	})
	if !c.HasSubCommands() && c.ValidArgsFunction == nil {
		c.ValidArgsFunction = completeArguments(strings.Fields(c.Use)[1:], env)
	}
	for _, sub := range c.Commands() {
		complete(sub, env)
	}
}

func completeFlag(f *pflag.Flag, env func(string) string) cobra.CompletionFunc {
	if f.Name == "connect" {
		return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return endpoints(cmd.Context(), env), cobra.ShellCompDirectiveDefault // or a file
		}
	}
	if kind := f.Value.Type(); strings.Contains(kind, "|") {
		return cobra.FixedCompletions(strings.Split(kind, "|"), cobra.ShellCompDirectiveNoFileComp)
	}
	return nil
}

// completeArguments completes arguments by their words in the usage.
func completeArguments(words []string, env func(string) string) cobra.CompletionFunc {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.HasPrefix(word, "-") })
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const noFiles = cobra.ShellCompDirectiveNoFileComp
		word, ok := wordAt(words, len(args))
		switch {
		case !ok:
			return nil, noFiles
		case word == "KEY" && cmd.Name() == "set":
			return ask(cmd, env, writableKeys), noFiles
		case word == "KEY":
			return ask(cmd, env, keys), noFiles
		case strings.HasSuffix(word, "PATTERN"): // or KEY|PATTERN
			return ask(cmd, env, patterns), noFiles
		case word == "KIND":
			return slices.Sorted(maps.Keys(sinkKinds())), noFiles
		case word == strings.ToLower(word):
			return strings.Split(word, "|"), noFiles
		case strings.HasPrefix(word, "JSON"), word == "ID", word == "NAME":
			return nil, noFiles
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
}

// wordAt returns the word of an argument, without what marks it as optional. The last word
// stands for all that follow if it ends in dots.
func wordAt(words []string, i int) (string, bool) {
	if n := len(words); n > 0 && i >= n && strings.ContainsAny(words[n-1], ".…") {
		i = n - 1
	}
	if i >= len(words) {
		return "", false
	}
	return strings.Trim(words[i], "[]…."), true
}

// ask asks the database that the flags of a command line name. It returns nothing if there
// is none, or if it takes too long: a completion has nowhere to say why.
func ask(cmd *cobra.Command, env func(string) string, about func(context.Context, *aimx.Client) ([]string, error)) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	at := connection{credentials: credentials{env: env}}
	for name, to := range map[string]*string{"connect": &at.endpoint, "token": &at.token, "ca": &at.ca} {
		if f := cmd.Flags().Lookup(name); f != nil {
			*to = f.Value.String()
		}
	}
	target := at.target()
	if f := cmd.Flags().Lookup("connect"); f == nil {
		if len(cmd.Flags().Args()) == 0 || !isEndpoint(cmd.Flags().Arg(0)) {
			return nil // a history in a file
		}
		target = cmd.Flags().Arg(0)
	}
	var found []string
	_ = connected(ctx, target, &at.credentials, func(client *aimx.Client) (err error) { // see above
		found, err = about(ctx, client)
		return err
	})
	return found
}

func keys(ctx context.Context, client *aimx.Client) (all []string, err error) {
	list, err := client.List(ctx)
	for _, r := range list {
		all = append(all, r.Key)
	}
	return all, err
}

func writableKeys(ctx context.Context, client *aimx.Client) ([]string, error) {
	info, err := client.Info(ctx)
	return info.WritableRecords, err
}

// patterns returns the keys and, for those that share a beginning, a pattern for all of
// them.
func patterns(ctx context.Context, client *aimx.Client) ([]string, error) {
	all, err := keys(ctx, client)
	with := map[string]bool{"#": true}
	for _, key := range all {
		if end := strings.LastIndexAny(key, ".:"); end > 0 {
			with[key[:end+1]+"*"] = true
		}
	}
	return append(slices.Sorted(maps.Keys(with)), all...), err
}

// endpoints returns those of the databases that run here.
func endpoints(ctx context.Context, env func(string) string) (all []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	found, _ := aimx.Discover(ctx, socketDirs(env)...) // a completion has nowhere to say why
	for _, i := range found {
		if i.State == aimx.Answers {
			all = append(all, i.Endpoint)
		}
	}
	return all
}
