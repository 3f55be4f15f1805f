package gateway

import "github.com/aimdb-go/aimdb/access"

// Token admits the clients that present it, and says what they may do.
type Token = access.Token
