package gateway

import (
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
)

// refusal is the answer to a request that the server refuses.
type refusal struct {
	code   aimx.Code
	reason string
}

func refuse(code aimx.Code, format string, args ...any) *refusal {
	return &refusal{code: code, reason: fmt.Sprintf(format, args...)}
}
