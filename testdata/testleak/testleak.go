// Package testleak fails tests that leave goroutines behind.
package testleak

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main is what TestMain calls. After the tests it waits until their goroutines
// have ended, and fails if some never do.
func Main(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// A patient run gives goroutines more time to end than goleak does, half a
// second, which a busy machine may not have for them.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	for end := time.Now().Add(time.Minute); code == 0 && time.Now().Before(end) && goleak.Find() != nil; {
	}
	return code
}
