package gateway

import (
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
)

// refusal is a refusal on the server's side, before it has an address.
type refusal struct {
	code   aimx.Code
	reason string
}

func refuse(code aimx.Code, format string, args ...any) *refusal {
	return &refusal{code: code, reason: fmt.Sprintf(format, args...)}
}
