package disk

import (
	"fmt"
	"syscall"
)

// Kind returns the name of the kind of file system that has a path, "" if it is none of
// those that are a bad place for a database, and why it is one.
func Kind(path string) (name, why string, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return "", "", fmt.Errorf("ask for the file system at %s: %w", path, err)
	}
	name, why = kindOf(uint32(st.Type))
	return name, why, nil
}

// kindOf is Kind for a number of statfs(2).
func kindOf(number uint32) (name, why string) {
	const network = "locks and syncs on it depend on a server and the network"
	switch number {
	case 0x01021994:
		return "tmpfs", "what it holds ends with the machine"
	case 0x858458f6:
		return "ramfs", "what it holds ends with the machine"
	case 0x6969:
		return "NFS", network
	case 0x517b:
		return "SMB", network
	case 0xff534d42, 0xfe534d42:
		return "CIFS", network
	case 0x01021997:
		return "9p", network
	case 0x4d44:
		return "FAT", "it has neither permissions nor a journal"
	}
	return "", ""
}
