package consume

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		url, name string
		hosts     []string
	}{
		{"kafka://a/t", "kafka://a:9092/t", []string{"a:9092"}},
		{"kafka://a:1,b,[::1]:3/t1,t2?group=g&start=latest&tls=true", "kafka://a:1,b:9092,[::1]:3/t1,t2", []string{"a:1", "b:9092", "[::1]:3"}},
		{"kafka://ann@a/t?sasl=plain", "kafka://a:9092/t", []string{"a:9092"}},
		{"nats://a/S?subject=x.*,y.>&durable=d&ack_wait=30s&account=subject:2", "nats://a:4222/S", []string{"a:4222"}},
	} {
		c, err := parse(test.url)
		if err != nil || c.String() != test.name || !slices.Equal(c.hosts, test.hosts) {
			t.Errorf("%s: %+v, %v", test.url, c, err)
		}
	}
	for _, test := range []struct{ url, want string }{
		{"", "want kafka://HOST/TOPIC or nats://HOST/STREAM"},
		{"prompts", "want kafka://HOST/TOPIC"},
		{"http://a/t", "http:// is not known"},
		{"kafka:///t", "is no host"},
		{"kafka://a b/t", "is no host"},
		{"kafka://a:x/t", "is no host"},
		{"kafka://a", "is no topic"},
		{"kafka://a/x/y", "is no topic"},
		{"kafka://a/t,", "is no topic"},
		{"kafka://ann:secret@a/t?sasl=plain", "CHORUS_KAFKA_PASSWORD"},
		{"nats://ann:secret@a/t", "CHORUS_NATS_PASSWORD"},
		{"kafka://ann@a/t", "go together"},
		{"kafka://a/t?sasl=plain", "go together"},
		{"kafka://ann@a/t?sasl=md5", "sasl=md5: want"},
		{"kafka://a/t?start=now", "start=now: want earliest or latest"},
		{"kafka://a/t?grup=x", `no parameter "grup"`},
		{"kafka://a/t?group=x&group=y", "group is given twice"},
		{"kafka://a/t?subject=x", `no parameter "subject"`},
		{"kafka://a/t?dead_letters=t", "is read itself"},
		{"kafka://a/t?dead_letters=a/b", "is no topic"},
		{"kafka://a/t?account=subject:1", "account: want"},
		{"kafka://a/t?account=header:", "account: want"},
		{"kafka://a/t?cert=x", "cert and key go together"},
		{"kafka://a/t?tls=false&ca=x", "tls=true"},
		{"kafka://a/t?map=/no/such", "no such file"},
		{"kafka://a/t?%zz", "malformed"},
		{"nats://a/", "is no stream"},
		{"nats://a/S.x", "is no stream"},
		{"nats://a/S?durable=x.y", "no name of a consumer"},
		{"nats://a/S?ack_wait=1ms", "a second or more"},
		{"nats://a/S?account=key", "account: want"},
		{"nats://a/S?account=subject:0", "counts the parts"},
	} {
		if err := Check(test.url); !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v, want %q", test.url, err, test.want)
		}
	}
	if _, err := Open(nil, "kafka://a/t", nil); err == nil {
		t.Error("Open without an index")
	}
}

// FuzzParse: a URL is refused with ErrURL, or names hosts and something to read;
// a password never shows.
func FuzzParse(f *testing.F) {
	f.Add("kafka://u@a:1,b/t?group=g&sasl=plain")
	f.Add("nats://a/S?subject=x,y&account=subject:2")
	f.Add("kafka://u:hunter2@a/t")
	f.Fuzz(func(t *testing.T, url string) {
		if strings.Contains(url, "map=") {
			return // reads files
		}
		c, err := parse(url)
		if err != nil {
			if !errors.Is(err, ErrURL) {
				t.Fatal(err)
			}
			if strings.Contains(err.Error(), ":hunter2@") {
				t.Fatal(err)
			}
			return
		}
		if len(c.hosts) == 0 || len(c.names) == 0 || c.names[0] == "" || c.group == "" {
			t.Fatalf("%+v", c)
		}
	})
}
