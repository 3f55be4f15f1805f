package natsd

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// insideUser is the user of the process's own connections. Its password is random, new
// at each start, and never leaves the process.
const insideUser = "aimdb"

// authenticator decides which account a connection belongs to.
type authenticator struct {
	secret string
	access Access
	rights *server.Permissions
	// outside is the account of clients from outside. Each start of the server
	// creates another.
	outside atomic.Pointer[server.Account]
	// sites are the accounts of sites that join as leaf nodes, by the user that they
	// present.
	sites atomic.Pointer[map[string]siteAccount]
}

func newAuthenticator(access Access, rights *server.Permissions) *authenticator {
	return &authenticator{secret: rand.Text(), access: access, rights: rights}
}

// Check implements server.Authentication.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	opts := c.GetOpts()
	if c.Kind() == server.LEAF {
		return a.checkSite(c)
	}
	if opts.Username == insideUser {
		if !equalSecrets(opts.Password, a.secret) {
			return false
		}
		c.RegisterUser(&server.User{Username: insideUser})
		return true
	}
	if !a.admits(c) {
		return false
	}
	account := a.outside.Load()
	if account == nil {
		return false // the server is still starting
	}
	c.RegisterUser(&server.User{Username: "outside", Permissions: a.rights, Account: account})
	return true
}

// admits reports whether a client from outside presents what Access requires.
func (a *authenticator) admits(c server.ClientAuthentication) bool {
	if a.access.open() {
		return true
	}
	opts := c.GetOpts()
	if a.access.Token != "" && equalSecrets(opts.Token, a.access.Token) {
		return true
	}
	if password, ok := a.access.Users[opts.Username]; ok && equalSecrets(opts.Password, password) {
		return true
	}
	for _, key := range a.access.NKeys {
		if opts.Nkey == key && signed(key, opts.Sig, c.GetNonce()) {
			return true
		}
	}
	return false
}

// signed verifies the client's signature of the server's nonce against a public key.
// Clients encode the signature in either base64 alphabet.
func signed(key, signature string, nonce []byte) bool {
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		sig, err = base64.StdEncoding.DecodeString(signature)
	}
	if err != nil || len(nonce) == 0 {
		return false
	}
	public, err := nkeys.FromPublicKey(key)
	return err == nil && public.Verify(nonce, sig) == nil
}

// equalSecrets compares in constant time.
func equalSecrets(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
