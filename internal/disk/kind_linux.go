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
	const network = "locks and syncs on it depend on a server and the network"
	switch uint32(st.Type) {
	case 0x01021994:
		return "tmpfs", "what it holds ends with the machine", nil
	case 0x858458f6:
		return "ramfs", "what it holds ends with the machine", nil
	case 0x6969:
		return "NFS", network, nil
	case 0x517b:
		return "SMB", network, nil
	case 0xff534d42, 0xfe534d42:
		return "CIFS", network, nil
	case 0x01021997:
		return "9p", network, nil
	case 0x4d44:
		return "FAT", "it has neither permissions nor a journal", nil
	}
	return "", "", nil
}
