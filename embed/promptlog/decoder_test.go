package promptlog

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-368d3dfa/chorus/index"
)

// decodeAll decodes a log record by record.
func decodeAll(o *Options, records []string, beside *Beside) Batch {
	d := NewDecoder(o)
	var b Batch
	for _, r := range records {
		record := []byte(r)
		d.Decode(&b, record, beside)
		clear(record) // it may be reused
	}
	d.Flush(&b)
	return b
}

// TestDecoderReads compares what a Decoder makes of every golden log of lines
// with what Read makes of it: but for ids the same.
func TestDecoderReads(t *testing.T) {
	for name := range goldens {
		if !strings.HasSuffix(name, ".jsonl") {
			continue
		}
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		o := goldenOptions(t, name)
		o.Explain, o.Workers = false, 1
		prompts, skips, _ := readAll(t, b, o)
		got := decodeAll(o, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), nil)
		if diff := cmp.Diff(show(prompts, nil), show(got.Prompts, nil)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(skips) != len(got.Skipped) {
			t.Errorf("%s: skipped %v, Read skips %v", name, got.Skipped, skips)
		}
	}
}

func TestDecoder(t *testing.T) {
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	later := at.Add(time.Minute)
	native := `{"id":"p","time":"2026-06-01T08:00:00Z","account":"a","text":"sesame"}`
	for name, test := range map[string]struct {
		o      *Options
		record string
		beside *Beside
		want   index.Prompt
		reason string
	}{
		"native":               {record: native, beside: &Beside{Time: later, ID: "x", Fields: []Field{{"account", "b"}}}, want: index.Prompt{ID: "p", Account: "a", Time: at, Text: "sesame"}},
		"id and time beside":   {record: `{"account":"a","text":"sesame"}`, beside: &Beside{Time: later, ID: "x"}, want: index.Prompt{ID: "x", Account: "a", Time: later, Text: "sesame"}},
		"a shipper's time":     {record: `{"@timestamp":"2026-06-01T08:00:00Z","account":"a","text":"sesame"}`, beside: &Beside{Time: later}, want: index.Prompt{Account: "a", Time: at, Text: "sesame"}},
		"account beside":       {record: `{"time":"2026-06-01T08:00:00Z","text":"sesame"}`, beside: &Beside{Fields: []Field{{"account", "b"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text":                 {record: "sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"user_id", "b"}, {"job", "j"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text by a map":        {o: &Options{Map: &Map{Account: Paths{"who"}, Text: Paths{"said"}}}, record: "sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"who", "b"}, {"user_id", "c"}}}, want: index.Prompt{Account: "b", Time: at, Text: "sesame"}},
		"text like JSON":       {record: "{{x}} sesame", beside: &Beside{Text: true, Time: at, Fields: []Field{{"account", "b"}}}, want: index.Prompt{Account: "b", Time: at, Text: "{{x}} sesame"}},
		"JSON that is cut off": {record: `{"account":"a","text":"ses`, beside: &Beside{Text: true, Time: at, Fields: []Field{{"account", "b"}}}, reason: "malformed JSON: the line ends too early"},
		"a shipper's record":   {record: `{"@timestamp":"2026-06-01T08:01:00Z","host":{"name":"h"},"message":` + fmt.Sprintf("%q", native) + `}`, want: index.Prompt{ID: "p", Account: "a", Time: at, Text: "sesame"}},
		"a shipper's user":     {record: `{"@timestamp":"2026-06-01T08:01:00Z","user":{"name":"daemon"},"message":` + fmt.Sprintf("%q", native) + `}`, want: index.Prompt{ID: "p", Account: "a", Time: at, Text: "sesame"}},
		"JSON that is a text":  {record: `{"time":"2026-06-01T08:00:00Z","user_id":"a","message":"{\"x\":1}"}`, want: index.Prompt{Account: "a", Time: at, Text: `{"x":1}`}},
		"only account mapped":  {o: &Options{Map: &Map{Account: Paths{"who"}}}, record: `{"time":"2026-06-01T08:00:00Z","who":"a","text":"sesame"}`, want: index.Prompt{Account: "a", Time: at, Text: "sesame"}},
		"content id":           {o: &Options{ContentIDs: true}, record: native[:1] + native[10:], want: index.Prompt{ID: "3oliEuK6deDGDA-D", Account: "a", Time: at, Text: "sesame"}},
		"no id without time":   {o: &Options{ContentIDs: true, TimeOptional: true}, record: `{"account":"a","text":"sesame"}`, want: index.Prompt{Account: "a", Text: "sesame"}},
		"strict types":         {record: `{"account":7,"text":"sesame","time":"2026-06-01T08:00:00Z"}`, reason: "account: not a string"},
		"unknown":              {record: `{"level":"info","text":"sesame"}`, reason: "account is missing"},
		"no object":            {record: `["sesame"]`, reason: "not a JSON object"},
		"no time":              {record: `{"account":"a","text":"sesame"}`, reason: "time is missing"},
		"not UTF-8":            {record: "{\"account\":\"a\",\"text\":\"\xff\"}", reason: "invalid UTF-8"},
		"too long":             {o: &Options{LineBytes: 10}, record: native, reason: "longer than 10 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			// After a record of another format, too.
			for _, before := range []string{"", `{"request_id":"r","startTime":"2026-06-01T08:00:00Z","spend":1}`} {
				d := NewDecoder(test.o)
				var b Batch
				if before != "" {
					d.Decode(&Batch{}, []byte(before), nil)
				}
				d.Decode(&b, []byte(test.record), test.beside)
				d.Flush(&b)
				if test.reason != "" {
					if len(b.Prompts) != 0 || len(b.Skipped) != 1 || b.Skipped[0].Reason != test.reason && before == "" {
						t.Errorf("%+v", b)
					}
					continue
				}
				if diff := cmp.Diff([]index.Prompt{test.want}, b.Prompts); diff != "" || len(b.Skipped) > 0 {
					t.Errorf("%s %v", diff, b.Skipped)
				}
			}
		})
	}
}

// TestContentIDs: an id depends on everything that makes a prompt, and on
// nothing else.
func TestContentIDs(t *testing.T) {
	record := `{"time":"2026-06-01T08:00:00Z","account":"a","model":"m","messages":[{"role":"user","content":"one"},{"role":"user","content":"two"}]}`
	o := &Options{ContentIDs: true}
	ids := make(map[string]string)
	for _, change := range [][2]string{{"", ""}, {"08:00:00Z", "08:00:00.000001Z"}, {`"a"`, `"b"`}, {`"m"`, `"n"`}, {"one", "One"}, {`"role":"user","content":"one"`, `"role":"system","content":"one"`}, {`one"},{"role":"user","content":"two`, `onetwo`}} {
		r := strings.Replace(record, change[0], change[1], 1)
		got := decodeAll(o, []string{r, "{}", r}, nil)
		if len(got.Prompts) != 2 || got.Prompts[0].ID != got.Prompts[1].ID || len(got.Prompts[0].ID) != 16 {
			t.Fatalf("%+v", got)
		}
		if other, ok := ids[got.Prompts[0].ID]; ok {
			t.Errorf("%s and %s have the same id", r, other)
		}
		ids[got.Prompts[0].ID] = r
		read, _, _ := readAll(t, []byte("\n"+r), o)
		if read[0].ID != got.Prompts[0].ID {
			t.Errorf("Read makes the id %s of %s, a Decoder %s", read[0].ID, r, got.Prompts[0].ID)
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	words := strings.Repeat("some words that people write to models ", 8)
	for name, record := range map[string]string{
		"native": `{"id":"p","time":"2026-06-01T08:00:00Z","account":"a","text":"` + words + `"}`,
		"openai": `{"time":"2026-06-01T08:00:00Z","id":"p","body":{"model":"m","user":"u","messages":[{"role":"user","content":"` + words + `"}]}}`,
		"fields": `{"timestamp":"2026-06-01T08:00:00Z","request_id":"p","user_id":"a","prompt":"` + words + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			d := NewDecoder(nil)
			var batch Batch
			for b.Loop() {
				batch.Prompts = batch.Prompts[:0]
				d.Decode(&batch, []byte(record), nil)
			}
			if len(batch.Prompts) != 1 {
				b.Fatal(batch.Skipped)
			}
			b.SetBytes(int64(len(record)))
		})
	}
}

// TestShippersRecords has what shippers make of a line by default: they put it
// into a record of theirs, or take it for the record and add what they know.
func TestShippersRecords(t *testing.T) {
	const line = `{"time":"2026-06-01T08:00:00Z","account":"a","text":"sesame"}`
	quoted := fmt.Sprintf("%q", line)
	members := strings.Trim(line, "{}")
	want := []index.Prompt{{Account: "a", Time: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), Text: "sesame"}}
	for shipper, record := range map[string]string{
		"Filebeat": `{"@timestamp":"2026-06-01T08:01:00.000Z","log":{"offset":0,"file":{"path":"/var/log/gateway/prompts.jsonl","device_id":"26","inode":"1"}},"message":` + quoted +
			`,"input":{"type":"filestream"},"ecs":{"version":"8.0.0"},"host":{"name":"h"},"agent":{"id":"i","name":"h","type":"filebeat","version":"8.17.0","ephemeral_id":"e"}}`,
		"Vector":                `{"file":"/var/log/gateway/prompts.jsonl","host":"h","message":` + quoted + `,"source_type":"file","timestamp":"2026-06-01T08:01:00.123456789Z"}`,
		"Fluent Bit":            `{"@timestamp":"2026-06-01T08:01:00.123Z","log":` + quoted + `}`,
		"Fluent Bit, parsed":    `{"@timestamp":"2026-06-01T08:01:00.123Z",` + members + `}`,
		"Logstash":              `{"@version":"1","@timestamp":"2026-06-01T08:01:00.123Z","message":` + quoted + `,"event":{"original":` + quoted + `},"host":{"name":"h"},"log":{"file":{"path":"/x"}}}`,
		"Logstash, parsed":      `{"@version":"1","@timestamp":"2026-06-01T08:01:00.123Z",` + members + `,"event":{"original":` + quoted + `},"host":{"name":"h"}}`,
		"rsyslog, all members":  `{"msg":` + quoted + `,"rawmsg":"x","timereported":"2026-06-01T08:01:00.123456+00:00","hostname":"h","syslogtag":"prompts:","inputname":"imfile","fromhost":"h","pri":"133","syslogfacility":"16","syslogseverity":"5","timegenerated":"2026-06-01T08:01:00.123456+00:00","programname":"prompts","uuid":null,"$!":null}`,
		"syslog-ng, JSON":       `{"SOURCE":"prompts","PROGRAM":"prompts","PRIORITY":"notice","MESSAGE":` + quoted + `,"HOST":"h","FACILITY":"user","DATE":"Jun  1 08:01:00"}`,
		"the journal":           `{"__REALTIME_TIMESTAMP":"1780300860000000","_HOSTNAME":"h","PRIORITY":"6","MESSAGE":` + quoted + `,"_PID":"1"}`,
		"VictoriaLogs' senders": `{"_time":"2026-06-01T08:01:00Z","_stream":"{}","_msg":` + quoted + `}`,
		"the Docker daemon":     `{"log":` + fmt.Sprintf("%q", line+"\n") + `,"stream":"stdout","time":"2026-06-01T08:01:00.123456789Z"}`,
	} {
		got := decodeAll(nil, []string{record, record}, nil)
		for i := range got.Prompts {
			got.Prompts[i].ID = ""
		}
		if diff := cmp.Diff(append(want, want...), got.Prompts); diff != "" || len(got.Skipped) > 0 {
			t.Errorf("%s: %s %v", shipper, diff, got.Skipped)
		}
	}
}
