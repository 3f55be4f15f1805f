package serve

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// defaults are the settings that hold where nothing else is given.
//
//go:embed default.yaml
var defaults []byte

// fromDefault is the source of a setting that nobody gave.
const fromDefault = "default"

// envPrefix begins the names of variables with settings.
const envPrefix = "AIMDB_"

// Sources are where settings come from. Of two that give the same setting, the later one
// counts: the defaults, the file, the environment, the flags.
type Sources struct {
	// Path is the file, "" for none.
	Path string
	// Environ has NAME=VALUE. AIMDB_HTTP is the setting http, AIMDB_TLS_CERT_FILE the
	// setting cert_file of tls. Lists are written as in YAML, those of texts also with
	// commas.
	Environ []string
	// Flags are the settings of the command line.
	Flags []Flag
	// FlagOf has the flag of the program for a setting, such as --http for http. Messages
	// name it where the setting was given in another way.
	FlagOf map[string]string
}

// Flag is a setting of the command line.
type Flag struct {
	// Name is how messages call it, such as --http.
	Name string
	// Setting is the name of the setting, with dots between groups and their settings.
	Setting string
	Value   string
}

// Settings are a configuration, and where each part of it comes from.
type Settings struct {
	Config
	// Warnings are what is probably a mistake, and may be right.
	Warnings []string

	sources Sources
	tree    *node
	places  map[string]place
	rules   *rules
}

// Load reads and checks settings. An error says where each of them is wrong, as
// FILE:LINE:COLUMN.
func Load(from Sources) (*Settings, error) {
	s := &Settings{sources: from, places: map[string]place{}}
	var err error
	if s.tree, err = parse(fromDefault, defaults); err != nil {
		return nil, err
	}
	forget(s.tree)
	s.tree.merge(s.otelVariables())
	var file *node
	if from.Path != "" {
		if file, err = readFile(from.Path); err != nil {
			return nil, err
		}
		s.tree.merge(file)
	}
	over, err := s.variables()
	if err != nil {
		return nil, err
	}
	for _, f := range from.Flags {
		n, err := flag(f)
		if err != nil {
			return nil, err
		}
		over.merge(n)
	}
	s.tree.merge(over)
	s.guard(file, over)
	d := &decoder{dir: filepath.Dir(from.Path), places: s.places}
	d.group(s.tree, "", reflect.ValueOf(&s.Config).Elem())
	if len(d.errs) > 0 {
		return nil, joined(d.errs)
	}
	s.turnOff()
	return s, s.check()
}

func readFile(path string) (*node, error) {
	data, err := readSome(path, maxFile+1)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	return parse(path, data)
}

// readSome reads the beginning of a file. A device has no end.
func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, errors.Join(err, f.Close())
}

// forget takes the lines from the places of the defaults.
func forget(n *node) {
	n.at.line = 0
	for i := range n.members {
		n.members[i].at.line = 0
		forget(n.members[i].value)
	}
	for _, e := range n.list {
		forget(e)
	}
}

// guard takes the default of the NATS listener away where clients must present something:
// NATS clients would not have to.
func (s *Settings) guard(given ...*node) {
	has := func(name string) bool {
		return slices.ContainsFunc(given, func(n *node) bool { return n.get(name) != nil })
	}
	guarded := has("tokens") || has("users")
	if guarded && !has("nats") || has("log") && !has("nats") {
		i := s.tree.index("nats")
		s.tree.members[i].value = &node{at: s.tree.members[i].at, kind: text, text: Off}
	}
}

// turnOff takes out what is off.
func (s *Settings) turnOff() {
	for _, address := range []*string{&s.HTTP, &s.TCP, &s.NATS, &s.MQTT} {
		if *address == Off {
			*address = ""
		}
	}
	s.Gateways = slices.DeleteFunc(s.Gateways, func(path string) bool { return path == "" || path == Off })
	// Where clients are told apart, none of NATS sets a record because nobody said that it may not.
	asked := len(s.Tokens)+len(s.Users) > 0 || !s.NATSAccess.Everybody()
	if (asked || s.NATS == "" && s.Log == nil) && s.places["service_writes"].source == fromDefault {
		s.ServiceWrites = nil
	}
}

// variables returns the settings of the environment.
func (s *Settings) variables() (*node, error) {
	over := &node{kind: group}
	known := map[string]setting{}
	for _, one := range settingsOf(reflect.TypeFor[Config]()) {
		known[variable(one.path)] = one
	}
	for _, entry := range s.sources.Environ {
		name, value, _ := strings.Cut(entry, "=")
		one, ok := known[name]
		if !ok {
			s.warnOfVariable(name, known)
			continue
		}
		n, err := settingFrom(name, value, one)
		if err != nil {
			return nil, err
		}
		over.merge(n)
	}
	return over, nil
}

// variable is the name of the environment variable for a setting.
func variable(path []string) string {
	return envPrefix + strings.ToUpper(strings.Join(path, "_"))
}

// warnOfVariable warns of a variable that is nearly that of a setting. Others can be of
// another program, such as those that Kubernetes sets for a service called aimdb.
func (s *Settings) warnOfVariable(name string, known map[string]setting) {
	if !strings.HasPrefix(name, envPrefix) {
		return
	}
	var names []string
	for k := range known {
		names = append(names, strings.TrimPrefix(k, envPrefix))
	}
	slices.Sort(names)
	if near := nearest(strings.TrimPrefix(name, envPrefix), names); near != "" {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the variable %s is no setting; did you mean %s%s?", name, envPrefix, near))
	}
}

// flag returns the setting of a flag.
func flag(f Flag) (*node, error) {
	all := settingsOf(reflect.TypeFor[Config]())
	var names []string
	for _, one := range all {
		name := strings.Join(one.path, ".")
		if name == f.Setting {
			return settingFrom(f.Name, f.Value, one)
		}
		names = append(names, name)
	}
	hint := ""
	if near := nearest(f.Setting, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("%s: there is no setting %.80q%s", f.Name, f.Setting, hint)
}

// settingFrom returns the setting that a text of a variable or flag gives.
func settingFrom(source, value string, one setting) (*node, error) {
	n := &node{at: place{source: source}, kind: text, text: value}
	switch t := one.typ; {
	case t.Kind() == reflect.String, isSpan(t) && value != "0":
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String && !strings.HasPrefix(value, "["):
		n = &node{at: n.at, kind: list}
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				n.list = append(n.list, &node{at: n.at, kind: text, text: part})
			}
		}
	default:
		var err error
		if n, err = parseValue(source, []byte(value)); err != nil {
			return nil, err
		}
		forget(n)
	}
	return nest(one.path, n), nil
}
