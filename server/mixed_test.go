package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/intake"
)

// setting is a number of the environment, for benchmarks by hand.
func setting(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// traffic makes prompts as JSON lines: one in five from 200 templates with
// accounts of their own, the rest like nothing else. With CHORUS_BENCH_LOG it
// is the lines of that log, which have ids.
type traffic struct {
	mu    sync.Mutex
	rng   *rand.Rand
	words []string
	fixed [][]string
	made  int
	log   *bufio.Scanner
}

func newTraffic(b *testing.B) *traffic {
	g := &traffic{rng: rand.New(rand.NewPCG(1, 2))}
	if name := os.Getenv("CHORUS_BENCH_LOG"); name != "" {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { f.Close() })
		g.log = bufio.NewScanner(f)
		g.log.Buffer(nil, 16<<20)
	}
	syllables := strings.Fields("ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve")
	for range 20_000 {
		w := ""
		for range 2 + g.rng.IntN(3) {
			w += syllables[g.rng.IntN(len(syllables))]
		}
		g.words = append(g.words, w)
	}
	for range 200 {
		g.fixed = append(g.fixed, g.some(15, 40))
	}
	return g
}

func (g *traffic) some(least, most int) []string {
	out := make([]string, least+g.rng.IntN(most-least+1))
	for i := range out {
		out[i] = g.words[g.rng.IntN(len(g.words))]
	}
	return out
}

// lines returns n prompts, fewer at the end of a log.
func (g *traffic) lines(n int) (body []byte, prompts int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range n {
		if g.log != nil {
			if !g.log.Scan() {
				break
			}
			body = append(append(body, g.log.Bytes()...), '\n')
			prompts++
			continue
		}
		g.made++
		prompts++
		account, text := fmt.Sprintf("a%d", g.rng.IntN(50_000)), g.some(10, 40)
		if g.rng.IntN(5) == 0 {
			i := g.rng.IntN(len(g.fixed))
			account, text = fmt.Sprintf("ring%d-%d", i, g.rng.IntN(60)), append(slices.Clone(g.fixed[i]), g.some(3, 10)...)
		}
		body = fmt.Appendf(body, `{"id":"p%d","time":"%s","account":"%s","text":"%s","model":"m"}`+"\n", g.made,
			time.Date(2026, 6, 1, 0, 0, g.made/10, 0, time.UTC).Format(time.RFC3339), account, strings.Join(text, " "))
	}
	return body, prompts
}

// BenchmarkMixed has 64 clients add prompts as NDJSON, at CHORUS_BENCH_RATE a
// second in all (0: as fast as they can), while others send CHORUS_BENCH_QUERIES
// a second, and reports what those took. The index has CHORUS_BENCH_PROMPTS to
// begin with. One op is nine queries, one of each kind.
//
//	go test -run '^$' -bench Mixed -benchtime 100x ./server
func BenchmarkMixed(b *testing.B) {
	ix, err := index.Open(filepath.Join(b.TempDir(), "x.db"), &index.Options{Lag: 2 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer ix.Close()
	h := httptest.NewServer(New(ix, nil))
	defer h.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	g := newTraffic(b)
	post := func(body []byte) int {
		resp, err := client.Post(h.URL+"/v1/prompts", "application/x-ndjson", bytes.NewReader(body))
		if err != nil {
			b.Error(err)
			return 0
		}
		defer resp.Body.Close()
		var got intake.Added
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != 200 {
			b.Errorf("%d %v", resp.StatusCode, err)
		}
		return got.Accepted
	}
	const batch, clients = 250, 64
	for n := setting("CHORUS_BENCH_PROMPTS", 100_000); n > 0; n -= 10_000 {
		body, _ := g.lines(min(n, 10_000))
		post(body)
	}
	var ready [][]byte // made before the clock runs
	for range 3000 {
		body, n := g.lines(batch)
		if n == 0 {
			break
		}
		ready = append(ready, body)
	}
	rate := setting("CHORUS_BENCH_RATE", 25_000)
	var added atomic.Int64
	var next atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(ready) {
					return
				}
				if rate > 0 {
					time.Sleep(time.Until(begin.Add(time.Duration(i) * batch * time.Second / time.Duration(rate))))
				}
				select {
				case <-stop:
					return
				default:
				}
				added.Add(int64(post(ready[i])))
			}
		})
	}
	took := ask(b, client, h.URL)
	close(stop)
	all.Wait()
	b.ReportMetric(float64(added.Load())/time.Since(begin).Seconds(), "prompts/s")
	b.ReportMetric(0, "ns/op")
	var every []time.Duration
	for name, ds := range took {
		slices.Sort(ds)
		b.Logf("%-12s %5d queries, half within %8v, p99 %8v, worst %v", name, len(ds), ds[len(ds)/2], ds[len(ds)*99/100], ds[len(ds)-1])
		every = append(every, ds...)
	}
	slices.Sort(every)
	b.ReportMetric(float64(every[len(every)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(every[len(every)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(every))/time.Since(begin).Seconds(), "queries/s")
	if rate > 0 && float64(added.Load()) < .9*float64(rate)*time.Since(begin).Seconds() && next.Load() < int64(len(ready)) {
		b.Logf("the rate was not reached")
	}
}

// ask sends queries of every kind until the benchmark is over, and returns what
// they took.
func ask(b *testing.B, client *http.Client, where string) map[string][]time.Duration {
	const askers, kinds = 4, 9
	pause := kinds * time.Second / time.Duration(setting("CHORUS_BENCH_QUERIES", 100))
	var mu sync.Mutex
	took := make(map[string][]time.Duration)
	get := func(name, path string, v any) {
		start := time.Now()
		resp, err := client.Get(where + path)
		if err != nil {
			b.Error(err)
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		d := time.Since(start)
		if err != nil || resp.StatusCode != 200 && resp.StatusCode != 404 {
			b.Errorf("%s: %d %v %.300s", path, resp.StatusCode, err, body)
		}
		if v != nil {
			json.Unmarshal(body, v)
		}
		mu.Lock()
		took[name] = append(took[name], d)
		mu.Unlock()
	}
	text := url.QueryEscape(strings.Repeat("Solve the following problem step by step and write down every result ", 3))
	var all sync.WaitGroup
	left := make(chan struct{})
	for range askers {
		all.Go(func() {
			for range left {
				var ts struct{ Items []index.Template }
				var cs struct{ Items []index.Campaign }
				get("templates", "/v1/templates?min_accounts=10", &ts)
				get("campaigns", "/v1/campaigns", &cs)
				get("similar", "/v1/similar?text="+text, nil)
				get("stats", "/v1/stats", nil)
				get("flags", "/v1/flags", nil)
				if len(ts.Items) > 0 {
					t := ts.Items[len(ts.Items)/2]
					get("template", "/v1/templates/"+t.ID, &t)
					if len(t.Members) > 0 {
						get("account", "/v1/accounts/"+url.PathEscape(t.Members[0].Account), nil)
					}
				}
				if len(cs.Items) > 0 {
					get("campaign", "/v1/campaigns/"+cs.Items[0].ID, nil)
					get("matrix", "/v1/campaigns/"+cs.Items[0].ID+"/matrix", nil)
				}
			}
		})
	}
	for b.Loop() {
		left <- struct{}{}
		time.Sleep(pause)
	}
	close(left)
	all.Wait()
	return took
}

// resident is the process's memory in MiB, without what it maps of the file,
// which the system takes back when others need it.
func resident() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n >> 10
}

// BenchmarkUpload sends CHORUS_BENCH_UPLOAD prompts (0: one million) in one
// NDJSON body, and logs the memory that client and server take meanwhile.
//
//	go test -run '^$' -bench Upload -benchtime 1x -timeout 30m ./server
func BenchmarkUpload(b *testing.B) {
	total := setting("CHORUS_BENCH_UPLOAD", 1_000_000)
	for b.Loop() {
		ix, err := index.Open(filepath.Join(b.TempDir(), "x.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		h := httptest.NewServer(New(ix, nil))
		g := newTraffic(b)
		r, w := io.Pipe()
		go func() {
			for sent := 0; sent < total; {
				body, n := g.lines(min(5000, total-sent))
				if n == 0 {
					break
				}
				if _, err := w.Write(body); err != nil {
					break
				}
				if sent += n; sent/(total/10) != (sent-n)/(total/10) {
					b.Logf("%9d prompts: %d MiB, %d goroutines", sent, resident(), runtime.NumGoroutine())
				}
			}
			w.Close()
		}()
		begin := time.Now()
		resp, err := http.Post(h.URL+"/v1/prompts", "application/x-ndjson", r)
		if err != nil {
			b.Fatal(err)
		}
		var got intake.Added
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		b.ReportMetric(float64(got.Accepted)/time.Since(begin).Seconds(), "prompts/s")
		b.ReportMetric(float64(resident()), "MiB")
		h.Close()
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
