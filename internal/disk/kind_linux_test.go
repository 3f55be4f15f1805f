package disk

import "testing"

// TestKindOf: the numbers of statfs(2) that are network file systems, and those of common
// local ones.
func TestKindOf(t *testing.T) {
	for number, want := range map[uint32]string{
		0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "CIFS", 0x01021997: "9p",
		0xef53: "", 0x58465342: "", 0x9123683e: "", 0x2fc12fc1: "", 0x794c7630: "", // ext4, xfs, btrfs, zfs, overlayfs
	} {
		name, why := kindOf(number)
		if name != want || (why == "") != (want == "") {
			t.Errorf("%#x is %q, %q; want %q", number, name, why, want)
		}
	}
}
