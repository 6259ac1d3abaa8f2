package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// maxClosing is the longest file that gets a closing page: its whole length is read at Open and Close.
const maxClosing = 64 << 20

const markOffset = 2048

var (
	magicClosed  = []byte("chorusZ\n")
	magicOpening = []byte("OPENING\x00")
	magicMark    = []byte("chorusM\n")
)

// closingPage is the page that follows length bytes with that sum.
func closingPage(length int64, sum uint32) []byte {
	p := make([]byte, pageSize)
	b := append(p[:0], magicClosed...)
	b = binary.LittleEndian.AppendUint32(b, closingVersion)
	b = binary.LittleEndian.AppendUint64(b, uint64(length))
	binary.LittleEndian.AppendUint32(b, crc32.Update(sum, castagnoli, b))
	return p
}

func closingMark(length int64) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(magicMark), uint64(length))
}

func fileSum(f io.ReaderAt, length int64) (uint32, error) {
	h := crc32.New(castagnoli)
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, io.NewSectionReader(f, 0, length), make([]byte, 1<<18))
	if err == nil && n != length {
		err = io.ErrUnexpectedEOF
	}
	return h.Sum32(), err
}

// closing is what a file says about having been closed.
type closing struct {
	marks   []int64 // where marks are
	page    bool    // the last page is a right closing page
	opening bool    // the last page is one that is coming or going
}

// readClosing verifies the closing page of a file when it has one or should have one.
func readClosing(f io.ReaderAt, size int64) (c closing, err error) {
	for _, at := range []int64{markOffset, pageSize + markOffset} {
		b := make([]byte, len(magicMark))
		if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			return c, err
		}
		if bytes.Equal(b, magicMark) {
			c.marks = append(c.marks, at)
		}
	}
	if size >= 3*pageSize && size%pageSize == 0 {
		page := make([]byte, pageSize)
		if _, err := f.ReadAt(page, size-pageSize); err != nil {
			return c, err
		}
		length := size - pageSize
		switch {
		case bytes.HasPrefix(page, magicOpening):
			c.opening = true
		case bytes.HasPrefix(page, magicClosed) && length <= maxClosing:
			sum, err := fileSum(f, length)
			if err != nil {
				return c, err
			}
			if !bytes.Equal(page, closingPage(length, sum)) {
				return c, damaged("the file differs from what it was when it was closed")
			}
			c.page = true
		}
	}
	if len(c.marks) > 0 && !c.page && !c.opening {
		return c, damaged("the file was closed, but its closing page is gone")
	}
	return c, nil
}

// uncloses removes closing page and mark. A crash in between leaves a file that is not closed.
func unclose(f *os.File, c closing, length int64, sync func() error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if c.page {
		if _, err := f.WriteAt(magicOpening, info.Size()-pageSize); err != nil {
			return err
		}
		if err := sync(); err != nil {
			return err
		}
	}
	for _, at := range c.marks {
		if _, err := f.WriteAt(make([]byte, len(magicMark)+8), at); err != nil {
			return err
		}
	}
	if len(c.marks) > 0 {
		if err := sync(); err != nil {
			return err
		}
	}
	if c.page || c.opening {
		return f.Truncate(length)
	}
	return nil
}

// closeFile cuts a file after its bbolt pages, which end at length. To one that is not too long it
// appends the closing page, and sets the mark in the meta page that the transaction after txid will
// overwrite.
func closeFile(f *os.File, length int64, txid int, sync func() error) error {
	if err := f.Truncate(length); err != nil {
		return err
	}
	if length > maxClosing {
		return nil
	}
	page := make([]byte, pageSize)
	copy(page, magicOpening)
	if _, err := f.WriteAt(page, length); err != nil {
		_ = f.Truncate(length)
		return err
	}
	if err := sync(); err != nil {
		return err
	}
	if _, err := f.WriteAt(closingMark(length), int64((txid+1)%2)*pageSize+markOffset); err != nil {
		return err
	}
	if err := sync(); err != nil {
		return err
	}
	sum, err := fileSum(f, length)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(closingPage(length, sum), length); err != nil {
		return err
	}
	return sync()
}
