package sqlite_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// operation is something done to a file. Without data, truncated to or synced
// it is a mark that the test set.
type operation struct {
	file   string
	data   []byte // written at offset
	offset int64
	trunc  bool // to offset
	sync   bool
	mark   int
}

// recorder is a layer between SQLite and the operating system that keeps a list
// of all that is written and synced. It is one of SQLite's VFS objects: a copy
// of the default one whose files have three methods of their own.
type recorder struct {
	t    testing.TB
	tls  *libc.TLS
	vfs  uintptr
	name uintptr

	mu         sync.Mutex
	operations []operation
	files      map[uintptr]string
	// ours are our methods by the original ones, which differ between kinds of
	// files but not in the three that we replace; original is any of them.
	original lib.Tsqlite3_io_methods
	ours     map[uintptr]uintptr

	// The functions that C memory points to must not be collected.
	open     func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	write    func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	truncate func(*libc.TLS, uintptr, int64) int32
	sync     func(*libc.TLS, uintptr, int32) int32
	fault    func() int32
}

// in reads C memory as a Go value.
func in[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function calls a C function pointer.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

// address makes a C function pointer of a function that is kept elsewhere.
func address[F any](f *F) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

func record(t testing.TB, name string) *recorder {
	t.Helper()
	r := &recorder{t: t, tls: libc.NewTLS(), files: map[uintptr]string{}, ours: map[uintptr]uintptr{}}
	original := in[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(r.tls, 0))
	r.name = cString(r.tls, name)
	r.vfs = libc.Xmalloc(r.tls, libc.Tsize_t(unsafe.Sizeof(*original)))
	*in[lib.Tsqlite3_vfs](r.vfs) = *original
	open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](original.FxOpen)
	r.open = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
		code := open(tls, vfs, name, file, flags, out)
		if code == lib.SQLITE_OK && name != 0 {
			r.take(tls, file, libc.GoString(name))
		}
		return code
	}
	r.write, r.truncate, r.sync = r.onWrite, r.onTruncate, r.onSync
	v := in[lib.Tsqlite3_vfs](r.vfs)
	v.FzName, v.FpNext, v.FxOpen = r.name, 0, address(&r.open)
	if code := lib.Xsqlite3_vfs_register(r.tls, r.vfs, 0); code != lib.SQLITE_OK {
		t.Fatalf("register the recorder: %d", code)
	}
	t.Cleanup(func() {
		lib.Xsqlite3_vfs_unregister(r.tls, r.vfs)
		for _, memory := range r.ours {
			libc.Xfree(r.tls, memory)
		}
		libc.Xfree(r.tls, r.vfs)
		libc.Xfree(r.tls, r.name)
		r.tls.Close()
	})
	return r
}

func cString(tls *libc.TLS, text string) uintptr {
	memory := libc.Xmalloc(tls, libc.Tsize_t(len(text)+1))
	copy(unsafe.Slice(in[byte](memory), len(text)+1), text+"\x00")
	return memory
}

// take puts our methods under a file that was just opened.
func (r *recorder) take(tls *libc.TLS, file uintptr, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := in[lib.Tsqlite3_file](file)
	if r.ours[f.FpMethods] == 0 {
		r.original = *in[lib.Tsqlite3_io_methods](f.FpMethods)
		memory := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(r.original)))
		ours := in[lib.Tsqlite3_io_methods](memory)
		*ours = r.original
		ours.FxWrite, ours.FxTruncate, ours.FxSync = address(&r.write), address(&r.truncate), address(&r.sync)
		r.ours[f.FpMethods] = memory
	}
	f.FpMethods = r.ours[f.FpMethods]
	r.files[file] = filepath.Base(name)
}

func (r *recorder) note(file uintptr, o operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.file = r.files[file]
	r.operations = append(r.operations, o)
}

func (r *recorder) onWrite(tls *libc.TLS, file, data uintptr, size int32, offset int64) int32 {
	if code := r.failing(); code != lib.SQLITE_OK {
		return code
	}
	r.note(file, operation{data: bytes.Clone(unsafe.Slice(in[byte](data), size)), offset: offset})
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](r.original.FxWrite)(tls, file, data, size, offset)
}

func (r *recorder) onTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	r.note(file, operation{trunc: true, offset: size})
	return function[func(*libc.TLS, uintptr, int64) int32](r.original.FxTruncate)(tls, file, size)
}

func (r *recorder) onSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	code := function[func(*libc.TLS, uintptr, int32) int32](r.original.FxSync)(tls, file, flags)
	if code == lib.SQLITE_OK {
		r.note(file, operation{sync: true})
	}
	return code
}

// setFault has each write ask a function for the code to fail with.
func (r *recorder) setFault(fault func() int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

func (r *recorder) failing() int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		return lib.SQLITE_OK
	}
	return r.fault()
}

// mark notes that something was promised after all that was done so far.
func (r *recorder) mark(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations = append(r.operations, operation{mark: n})
}

func (r *recorder) length() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.operations)
}

// cut returns the files as a power loss behind the first n operations may leave
// them: of what was not synced any part may be there. It also returns the last
// mark before.
func (r *recorder) cut(n int, random *rand.Rand) (files map[string][]byte, mark int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	synced := map[string]int{}
	for i, o := range r.operations[:n] {
		if o.sync {
			synced[o.file] = i
		}
		mark = max(mark, o.mark)
	}
	files = map[string][]byte{}
	chance := random.Float64()
	for i, o := range r.operations[:n] {
		if last, some := synced[o.file]; (!some || i > last) && random.Float64() < chance {
			continue // lost
		}
		switch {
		case o.data != nil:
			files[o.file] = overwrite(files[o.file], o.data, o.offset)
		case o.trunc:
			files[o.file] = resize(files[o.file], o.offset)
		}
	}
	return files, mark
}

func overwrite(file, data []byte, offset int64) []byte {
	if need := offset + int64(len(data)); int64(len(file)) < need {
		file = resize(file, need)
	}
	copy(file[offset:], data)
	return file
}

func resize(file []byte, size int64) []byte {
	if int64(len(file)) >= size {
		return file[:size:size]
	}
	return append(file, make([]byte, size-int64(len(file)))...)
}
