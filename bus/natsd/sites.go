package natsd

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// Site is a server that joins this one as a leaf node and lets it read a stream.
type Site struct {
	// Name is the user, and Password the password, that the site presents. If no site
	// has a password, every leaf node is let in that reaches the port.
	Name, Password string
	// Domain is the JetStream domain of the site, Stream the stream, and Deliver the
	// prefix of the subjects that the site delivers its messages to.
	Domain, Stream, Deliver string
}

// siteAccount is what a site must present, and where it is then.
type siteAccount struct {
	password string
	account  *server.Account
}

// anySite is the user of sites that present nothing.
const anySite = ""

// checkSite lets a leaf node into the account of its site.
func (a *authenticator) checkSite(c server.ClientAuthentication) bool {
	sites := a.sites.Load()
	if sites == nil {
		return false // the server is still starting
	}
	opts := c.GetOpts()
	site, known := (*sites)[opts.Username]
	if !known || site.password == "" || !equalSecrets(opts.Password, site.password) {
		if site, known = (*sites)[anySite]; !known {
			return false
		}
	}
	c.RegisterUser(&server.User{Username: "site", Account: site.account})
	return true
}

// listenForSites opens the port for leaf nodes, on the port of the run before if that
// is not 0.
func (c Config) listenForSites(opts *server.Options, port int) (err error) {
	if c.LeafListen == "" {
		return nil
	}
	leaf := &opts.LeafNode
	if leaf.Host, leaf.Port, err = splitAddress(c.LeafListen); err != nil {
		return err
	}
	if port != 0 {
		leaf.Port = port
	} else if leaf.Port == 0 {
		leaf.Port = server.RANDOM_PORT
	}
	opts.PingInterval = leafPing
	leaf.NoAdvertise = true                          // sites use the address that they were given
	leaf.Compression.Mode = server.CompressionAccept // only what a site asks for
	if leaf.TLSConfig, err = c.Access.tlsConfig(); err != nil {
		return err
	}
	leaf.TLSTimeout = 5
	return nil
}

// openSiteAccounts creates an account for each site, so that no site reaches another one
// or the streams of the hub. The hub imports from it what it reads the site by. Without
// passwords all sites share an account.
func (c Config) openSiteAccounts(s *server.Server) (map[string]siteAccount, error) {
	all := map[string]siteAccount{}
	for _, site := range c.Sites {
		user := site.Name
		if c.openToSites() {
			user = anySite
		}
		at, known := all[user]
		if !known {
			account, err := s.RegisterAccount("AIMDB_SITE_" + user)
			if err != nil {
				return nil, fmt.Errorf("natsd: create the account of site %s: %w", site.Name, err)
			}
			at = siteAccount{password: site.Password, account: account}
			all[user] = at
		}
		if err := site.open(at.account, s.GlobalAccount()); err != nil {
			return nil, fmt.Errorf("natsd: read site %s: %w", site.Name, err)
		}
	}
	return all, nil
}

// openToSites reports whether leaf nodes are let in that present nothing.
func (c Config) openToSites() bool {
	for _, site := range c.Sites {
		if site.Password != "" {
			return false
		}
	}
	return true
}

// open lets an account reach the API and the flow control of the site, and receive what
// it delivers.
func (site Site) open(account, inside *server.Account) error {
	api, flow, deliver := "$JS."+site.Domain+".API.>", flowControl(site.Stream), site.Deliver+".>"
	return errors.Join(
		account.AddServiceExport(api, nil), inside.AddServiceImport(account, api, api),
		account.AddServiceExport(flow, nil), inside.AddServiceImport(account, flow, flow),
		account.AddStreamExport(deliver, nil), inside.AddStreamImport(account, deliver, ""),
	)
}
