package access

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// User admits the clients that present its name and password, and says what they may do.
// Give Password or Hash.
type User struct {
	// Name is 1 to 255 bytes without ':' and control characters.
	Name string `json:"name"`
	// Password is what clients present, of 1 to 72 bytes.
	Password string `json:"password,omitempty"`
	// Hash is the bcrypt hash of the password, as `htpasswd -B` writes it, for a
	// configuration that does not hold the password itself.
	Hash string `json:"hash,omitempty"`
	// Read and Write are those of a Token.
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
}

// MaxPasswordBytes is the length of the longest password: bcrypt ignores what comes after.
const MaxPasswordBytes = 72

// maxCost bounds the cost of a hash: one more doubles the time of each comparison, which
// is some seconds at 16.
const maxCost = 16

// check returns what is wrong with a user. It does not hold the password.
func (u User) check() error {
	switch {
	case u.Name == "":
		return errors.New("it has no name")
	case len(u.Name) > 255 || strings.ContainsFunc(u.Name, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }):
		return errors.New("a name has 1 to 255 bytes, without ':' and control characters, which HTTP cannot carry")
	case (u.Password == "") == (u.Hash == ""):
		return errors.New("give either the password or its hash")
	case len(u.Password) > MaxPasswordBytes:
		return fmt.Errorf("the password has %d bytes; bcrypt takes %d", len(u.Password), MaxPasswordBytes)
	case u.Hash == "":
		return nil
	}
	cost, err := bcrypt.Cost([]byte(u.Hash))
	switch {
	case err != nil || len(u.Hash) != len(wrongHash):
		return errors.New("the hash is not one of bcrypt; make it with `aimdb token --user` or `htpasswd -nB`")
	case cost > maxCost:
		return fmt.Errorf("the hash has cost %d, which takes too long for each comparison; use at most %d", cost, maxCost)
	}
	return nil
}

// wrongHash is a hash of cost 10 that no known password has. Comparing with it takes as
// long as with a right one.
const wrongHash = "$2a$10$abcdefghijklmnopqrstuuJ7yWJnyuvCsFsrWjmQwRZtPz0Q9bW3u"

// userEntry is a user of a list.
type userEntry struct {
	User
	grants *Grants
	// right is the keyed hash of the password, nil until one was right.
	right atomic.Pointer[mac]
}

// userEntries returns the entries of users by name.
func userEntries(users []User) (map[string]*userEntry, error) {
	all := make(map[string]*userEntry, len(users))
	var errs []error
	for i, u := range users {
		err := u.check()
		if err == nil && all[u.Name] != nil {
			err = errors.New("it is given twice; write one user with all patterns")
		}
		wrote := given{u.Read, u.Write}
		if err = errors.Join(err, wrote.check()); err != nil {
			errs = append(errs, fmt.Errorf("user %d (%q): %w", i+1, u.Name, err))
			continue
		}
		all[u.Name] = &userEntry{User: u, grants: wrote.grants()}
	}
	return all, errors.Join(errs...)
}
