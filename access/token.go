package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/key"
)

// Token admits the clients that present it, and says what they may do. Give Token or
// Hash.
type Token struct {
	// Token is what clients present.
	Token string `json:"token,omitempty"`
	// Hash is the SHA-256 of the token in hexadecimal digits, for a configuration
	// that does not hold the token itself. Choose a long random token: a hash does
	// not protect one that can be guessed.
	Hash string `json:"hash,omitempty"`
	// Read and Write are patterns of the records whose values and history the client
	// may read, and which it may set. None grants nothing, "#" everything. A grant
	// opens no record that is registered without Remote or Writable.
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
}

// hash returns the hash of the token.
func (t Token) hash() (hash [sha256.Size]byte, err error) {
	switch {
	case (t.Token == "") == (t.Hash == ""):
		return hash, errors.New("give either the token or its hash")
	case t.Token != "":
		return sha256.Sum256([]byte(t.Token)), nil
	}
	decoded, err := hex.DecodeString(t.Hash)
	if err != nil || len(decoded) != len(hash) {
		return hash, fmt.Errorf("the hash is not a SHA-256, which has %d hexadecimal digits", 2*len(hash))
	}
	return [sha256.Size]byte(decoded), nil
}

// tokenEntry is a token of a list.
type tokenEntry struct {
	hash [sha256.Size]byte
	// wrote are the patterns as they were given, to tell whether a token changed.
	wrote  given
	grants *Grants
}

// given are the patterns of a token or a user as texts.
type given struct{ read, write []string }

func (p given) check() error {
	var errs []error
	for _, texts := range [][]string{p.read, p.write} {
		for _, text := range texts {
			if _, err := key.ParsePattern(text); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func (p given) grants() *Grants {
	return &Grants{read: patterns(p.read), write: patterns(p.write), revoked: make(chan struct{})}
}

// tokenEntries returns the entries of tokens. It returns an error if one is empty,
// malformed or given twice, or if a pattern is against the grammar. The error does not
// hold the token.
func tokenEntries(tokens []Token) ([]*tokenEntry, error) {
	var all []*tokenEntry
	var errs []error
	at := make(map[[sha256.Size]byte]int)
	for i, t := range tokens {
		hash, err := t.hash()
		if err != nil {
			errs = append(errs, fmt.Errorf("token %d: %w", i+1, err))
			continue
		}
		if first := at[hash]; first > 0 {
			errs = append(errs, fmt.Errorf("tokens %d and %d are the same; give each client a token of its own, or write one token with all patterns", first, i+1))
		}
		at[hash] = i + 1
		wrote := given{t.Read, t.Write}
		if err := wrote.check(); err != nil {
			errs = append(errs, fmt.Errorf("token %d: %w", i+1, err))
		}
		all = append(all, &tokenEntry{hash: hash, wrote: wrote, grants: wrote.grants()})
	}
	return all, errors.Join(errs...)
}
