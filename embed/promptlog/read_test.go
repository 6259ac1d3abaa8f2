package promptlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/testdata/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// all reads everything: the prompts' ids, the skipped lines, the last batch.
func all(t *testing.T, r io.Reader, o *Options) (ids []string, skips []Skip, last Batch, err error) {
	t.Helper()
	line := 0
	for b, e := range Read(t.Context(), r, o) {
		if e != nil {
			return ids, skips, last, e
		}
		if b.Lines < line || b.Bytes < last.Bytes {
			t.Errorf("batches out of order: %d lines, %d bytes after %d, %d", b.Lines, b.Bytes, line, last.Bytes)
		}
		for _, s := range b.Skipped {
			if s.Line <= line && len(b.Prompts) > 0 {
				t.Errorf("line %d skipped in a batch after line %d", s.Line, line)
			}
		}
		line = b.Lines
		for _, p := range b.Prompts {
			ids = append(ids, p.ID)
		}
		skips = append(skips, b.Skipped...)
		last = b
	}
	return ids, skips, last, nil
}

func line(id string) string {
	return fmt.Sprintf(`{"id":%q,"time":"2026-06-01T08:00:00Z","account":"a","text":"some text"}`, id)
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func zst(t *testing.T, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// TestReadOrder reads many lines in every compression, in chunks of every kind
// of size, from readers that return what they like.
func TestReadOrder(t *testing.T) {
	const n = 5000
	data := sample(n)
	for name, in := range map[string][]byte{"plain": data, "gzip": gz(data), "gzip twice": append(gz(data[:len(data)/2]), gz(data[len(data)/2:])...), "zstd": zst(t, data)} {
		for _, chunk := range []int{1, 300, 5000, 1 << 20} {
			if chunk < 300 && name != "plain" {
				continue
			}
			ids, skips, last, err := all(t, iotest.HalfReader(bytes.NewReader(in)), &Options{ChunkBytes: chunk, Workers: 3})
			if err != nil || len(skips) > 0 {
				t.Fatalf("%s: %v, skipped %v", name, err, skips)
			}
			if len(ids) != n || last.Lines != n || last.Bytes != int64(len(in)) {
				t.Fatalf("%s: %d prompts, %d lines, %d bytes; want %d, %d, %d", name, len(ids), last.Lines, last.Bytes, n, n, len(in))
			}
			for i, id := range ids {
				if id != fmt.Sprintf("p%d", i) {
					t.Fatalf("%s: prompt %d is %s", name, i, id)
				}
			}
		}
	}
}

// TestReadLines has every kind of line that is not a prompt.
func TestReadLines(t *testing.T) {
	long := strings.Repeat("x", 5000)
	in := "\ufeff" + line("1") + "\r\n" + // 1
		"\n  \r\n" + // 2, 3
		line("4") + "\n" +
		"nonsense\n" + // 5
		long + "\n" + // 6
		line("7") + "\n" +
		`{"time":"2026-06-01T08:00:00Z","account":"a","text":"` + long + "\"}\n" + // 8
		"\n" + // 9
		line("10") + "\n" +
		line("11")
	want := []Skip{{"f", 5, "not a JSON object"}, {"f", 6, "longer than 1000 bytes"}, {"f", 8, "longer than 1000 bytes"}}
	for _, chunk := range []int{1, 200, 1000, 3000, 1 << 20} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "bytes": iotest.OneByteReader(strings.NewReader(in))} {
			ids, skips, last, err := all(t, r, &Options{Name: "f", ChunkBytes: chunk, LineBytes: 1000, Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"1", "4", "7", "10", "11"}, ids); diff != "" {
				t.Errorf("chunk %d, %s: %s", chunk, name, diff)
			}
			if diff := cmp.Diff(want, skips); diff != "" {
				t.Errorf("chunk %d, %s: %s", chunk, name, diff)
			}
			if last.Lines != 11 {
				t.Errorf("chunk %d, %s: %d lines", chunk, name, last.Lines)
			}
		}
	}
}

// TestReadUTF16: with a byte order mark, UTF-16 is read like UTF-8.
func TestReadUTF16(t *testing.T) {
	var native, table bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&native, `{"id":"%d","account":"a","time":"2026-06-01T08:00:00Z","text":"Grüße, 世界 😀"}`+"\r\n", i)
	}
	table.WriteString("id\taccount\ttime\ttext\r\n7\ta\t2026-06-01T08:00:00Z\tGrüße, 世界 😀\r\n")
	for name, e := range map[string]encoding.Encoding{
		"little": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "big": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	} {
		for _, in := range []struct {
			text, format string
			prompts      int
		}{{native.String(), "", 3000}, {native.String(), "auto", 3000}, {table.String(), "auto", 1}} {
			wide, err := e.NewEncoder().String(in.text)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []io.Reader{iotest.HalfReader(strings.NewReader(wide)), bytes.NewReader(gz([]byte(wide)))} {
				n := 0
				for b, err := range Read(t.Context(), r, &Options{Format: in.format, ChunkBytes: 5000}) {
					if err != nil || len(b.Skipped) > 0 {
						t.Fatalf("%s: %v, %v", name, err, b.Skipped)
					}
					for _, p := range b.Prompts {
						if p.Text != "Grüße, 世界 😀" {
							t.Fatalf("%s: %q", name, p.Text)
						}
					}
					n += len(b.Prompts)
				}
				if n != in.prompts {
					t.Errorf("%s, format %q: %d prompts", name, in.format, n)
				}
			}
		}
	}
}

// TestReadHeadless: a table without a header is told so, not that it has no
// accounts; a header of unusual names is one.
func TestReadHeadless(t *testing.T) {
	for in, want := range map[string]string{
		"a1,2026-06-01T08:00:00Z,hello\na2,2026-06-01T08:00:00Z,hello\n": "the first line is no header: it has a time or a number where a column's name belongs",
		"a1,1780300800,hello\na2,1780300800,hello\n":                     "the first line is no header: it has a time or a number where a column's name belongs",
		"0,who,when_2026-06-01,2024_text\n1,a,b,c\n":                     "account is missing",
		"account,time,text\na\n":                                         "1 column where the header has 3",
		"account;time;text\na;2026-06-01T08:00:00Z;hello\n":              "the columns are separated by semicolons: want commas, or tabs in a file named .tsv",
	} {
		names := []string{"x.csv"}
		if strings.HasPrefix(in, "account;") {
			names = append(names, "-", "x.log") // known for a table by its header
		}
		for _, name := range names {
			var first string
			for b, err := range Read(t.Context(), strings.NewReader(in), &Options{Name: name, Format: "auto"}) {
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Prompts) > 0 {
					t.Errorf("%s: %q has prompts", name, in)
				}
				if first == "" && len(b.Skipped) > 0 {
					first = b.Skipped[0].Reason
				}
			}
			if first != want {
				t.Errorf("%s: %q: %q, want %q", name, in, first, want)
			}
		}
	}
}

// TestReadPacked: compression that is not read is called by its name.
func TestReadPacked(t *testing.T) {
	for magic, how := range map[string]string{
		"BZh91AY&SY": "bzip2", "\xfd7zXZ\x00\x00": "xz", "PK\x03\x04\x14\x00": "zip", "7z\xbc\xaf\x27\x1c": "7-Zip", "\x04\x22\x4d\x18\x64": "LZ4",
	} {
		ids, skips, _, err := all(t, strings.NewReader(magic+"\n\xff\n"), &Options{Name: "f"})
		if err != nil || len(ids) > 0 || len(skips) != 1 || skips[0].Line != 1 || skips[0].Reason != "compressed with "+how+", and only gzip and zstd are read: unpack it first" {
			t.Errorf("%q: %v, skipped %v", magic, err, skips)
		}
	}
	if _, skips, _, err := all(t, strings.NewReader("BZh,account\n"), &Options{Name: "f"}); err != nil || len(skips) != 1 || strings.Contains(skips[0].Reason, "bzip2") {
		t.Errorf("%v, skipped %v", err, skips)
	}
}

func TestSkipKind(t *testing.T) {
	for reason, want := range map[string]string{
		"invalid UTF-8":                         "invalid UTF-8",
		noLayout:                                noLayout,
		"12 columns where the header has 3":     "N columns where the header has N",
		"time 1600-01-02T00:00:00Z is not one":  "time N-N-NTN:N:NZ is not one",
		"longer than 16 MiB":                    "longer than N MiB",
		"the gzip data ends too early; 99999,5": "the gzip data ends too early; N,N",
		"":                                      "",
	} {
		if got := (&Skip{Reason: reason}).Kind(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReadEmpty(t *testing.T) {
	for _, in := range []string{"", "\n", "\n\n \n", "\ufeff", "\ufeff\n"} {
		ids, skips, _, err := all(t, strings.NewReader(in), nil)
		if len(ids) > 0 || len(skips) > 0 || err != nil {
			t.Errorf("%q: %v, %v, %v", in, ids, skips, err)
		}
	}
}

// TestReadHugeLine has a line of 100 MB, which must not be held whole.
func TestReadHugeLine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in := io.MultiReader(strings.NewReader(line("1")+"\n"), io.LimitReader(filler('x'), 100<<20), strings.NewReader("\n"+line("3")))
	ids, skips, _, err := all(t, in, nil)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "3"}, ids); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Skip{{"", 2, "longer than 16 MiB"}}, skips); diff != "" {
		t.Error(diff)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 80<<20 {
		t.Errorf("%d MiB allocated for a line of 100 MB", got>>20)
	}
}

// TestReadBatch has short lines behind a long one: the buffer that the long one
// needs must not make a huge batch of them.
func TestReadBatch(t *testing.T) {
	in := `{"account":"a","text":"` + strings.Repeat("x", 10<<20) + "\"}\n" + strings.Repeat(`{"account":"a","text":"x"}`+"\n", 300_000)
	n := 0
	for b, err := range Read(t.Context(), strings.NewReader(in), &Options{TimeOptional: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Prompts) > index.MaxBatch {
			t.Errorf("%d prompts in a batch", len(b.Prompts))
		}
		n += len(b.Prompts)
	}
	if n != 300_000 { // the long one is more text than an index takes
		t.Errorf("%d prompts", n)
	}
}

type filler byte

func (f filler) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(f)
	}
	return len(b), nil
}

// TestReadTruncated cuts compressed input anywhere: what comes before is kept,
// and the cut is reported.
func TestReadTruncated(t *testing.T) {
	const n = 2000
	rng := rand.New(rand.NewPCG(1, 2))
	data := sample(n)
	for name, whole := range map[string][]byte{"gzip": gz(data), "zstd": zst(t, data)} {
		most := 0
		for range 60 {
			cut := 5 + rng.IntN(len(whole)-5)
			ids, skips, _, err := all(t, bytes.NewReader(whole[:cut]), &Options{Name: "f", ChunkBytes: 4000})
			if err != nil {
				t.Fatalf("%s cut to %d: %v", name, cut, err)
			}
			if len(skips) != 1 || skips[0].Line != len(ids)+1 || skips[0].Reason != "the "+name+" data ends too early; what follows is lost" {
				t.Fatalf("%s cut to %d of %d: %d prompts, skipped %v", name, cut, len(whole), len(ids), skips)
			}
			most = max(most, len(ids))
		}
		if most == 0 {
			t.Errorf("%s: nothing kept", name)
		}
	}
	bad := gz(data)
	bad[len(bad)-5] ^= 1 // the checksum
	ids, skips, _, err := all(t, bytes.NewReader(bad), nil)
	if err != nil || len(ids) != n || len(skips) != 1 || !strings.Contains(skips[0].Reason, "damaged") {
		t.Errorf("wrong checksum: %d prompts, %v, %v", len(ids), skips, err)
	}
}

func TestReadFails(t *testing.T) {
	broken := errors.New("broken")
	data := sample(100)
	for _, in := range [][]byte{data, gz(data), nil} {
		ids, _, _, err := all(t, io.MultiReader(bytes.NewReader(in[:len(in)/2]), iotest.ErrReader(broken)), &Options{ChunkBytes: 1000})
		if !errors.Is(err, broken) {
			t.Errorf("after %d prompts: %v", len(ids), err)
		}
	}
}

// TestReadStops stops early in both ways. goleak sees what stays behind.
func TestReadStops(t *testing.T) {
	data := sample(5000)
	for range Read(t.Context(), bytes.NewReader(data), &Options{ChunkBytes: 1000}) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range Read(ctx, bytes.NewReader(data), &Options{ChunkBytes: 1000}) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("after cancelling: %v", last)
	}
	if n > 5 {
		t.Errorf("%d batches after cancelling", n)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, size, err := Open(name)
	if err != nil || size != 5 {
		t.Errorf("%d, %v", size, err)
	}
	f.Close()
	if _, _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "no")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzRead holds chunks of any size against one chunk.
func FuzzRead(f *testing.F) {
	f.Add([]byte(line("1")+"\n\nx\n"+line("2")), uint16(20), uint16(100))
	f.Add(gz(sample(3)), uint16(1), uint16(400))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"), uint16(1), uint16(1))
	f.Add([]byte("\x1f\x8b"), uint16(7), uint16(9))
	f.Fuzz(func(t *testing.T, in []byte, chunk, length uint16) {
		want, skips, last, err := all(t, bytes.NewReader(in), &Options{LineBytes: 1 + int(length)})
		if err != nil {
			t.Fatal(err)
		}
		got, skips2, last2, err := all(t, iotest.DataErrReader(bytes.NewReader(in)), &Options{ChunkBytes: 1 + int(chunk), LineBytes: 1 + int(length)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(skips, skips2); diff != "" {
			t.Error(diff)
		}
		if last.Lines != last2.Lines {
			t.Errorf("%d lines, %d", last.Lines, last2.Lines)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	const n = 20000
	data := sample(n)
	for name, in := range map[string][]byte{"plain": data, "gzip": gz(data)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				got := 0
				for batch, err := range Read(b.Context(), bytes.NewReader(in), nil) {
					if err != nil {
						b.Fatal(err)
					}
					got += len(batch.Prompts)
				}
				if got != n {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
		})
	}
}
