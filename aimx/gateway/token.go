package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
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

// CheckTokens returns an error if a token is empty, malformed or given twice, or if a
// pattern is against the grammar. The error does not hold the token.
func CheckTokens(tokens []Token) error {
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
		for _, patterns := range [][]string{t.Read, t.Write} {
			for _, p := range patterns {
				if _, err := key.ParsePattern(p); err != nil {
					errs = append(errs, fmt.Errorf("token %d: %w", i+1, err))
				}
			}
		}
	}
	return errors.Join(errs...)
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

// grants are what one token allows. Nil grants allow everything, for servers without
// tokens and for unix sockets.
type grants struct {
	hash        [sha256.Size]byte
	read, write []key.Pattern
}

// grantsOf returns the grants of tokens. A malformed one admits nobody.
func grantsOf(tokens []Token) []*grants {
	var all []*grants
	for _, t := range tokens {
		hash, err := t.hash()
		if err != nil {
			continue
		}
		all = append(all, &grants{hash: hash, read: wirePatterns(t.Read), write: wirePatterns(t.Write)})
	}
	return all
}

func wirePatterns(texts []string) []key.Pattern {
	patterns := make([]key.Pattern, 0, len(texts))
	for _, text := range texts {
		patterns = append(patterns, key.WirePattern(text))
	}
	return patterns
}

// grantsFor returns the grants of a token, nil if it is unknown. The time that it takes
// does not depend on the token.
func (s *Server) grantsFor(token string) *grants {
	hash := sha256.Sum256([]byte(token))
	var found *grants
	for _, g := range s.grants {
		if subtle.ConstantTimeCompare(g.hash[:], hash[:]) == 1 {
			found = g
		}
	}
	if found == nil {
		s.refusedTokens.Add(1)
	}
	return found
}
