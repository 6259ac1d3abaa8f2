//go:build race

package embed

const raceEnabled = true // allocations differ under the race detector
