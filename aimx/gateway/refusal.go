package gateway

import (
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
)

// refusal is the answer to a request that the server refuses.
type refusal struct {
	code   aimx.Code
	reason string
	// cause is the error that it is made of, nil if the request is wrong in itself.
	cause error
}

func refuse(code aimx.Code, format string, args ...any) *refusal {
	return &refusal{code: code, reason: fmt.Sprintf(format, args...)}
}
