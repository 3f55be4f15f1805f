//go:build !unix

package aimx

import "io/fs"

// otherOwner reports false: files of this system have no owner that can be compared.
func otherOwner(fs.FileInfo) (owner string, other bool) { return "", false }
