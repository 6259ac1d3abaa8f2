package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// A ranged is a flag's value that knows what it takes.
type ranged interface {
	pflag.Value
	wants() string
}

// A between is a flag's value: a number from least to most.
type between[T int | float64] struct {
	n           *T
	least, most T
}

// within sets *n to a default and makes it the value of a flag.
func within[T int | float64](n *T, def, least, most T) *between[T] {
	*n = def
	return &between[T]{n, least, most}
}

// atLeast is within without an upper bound.
func atLeast[T int | float64](n *T, def, least T) *between[T] {
	return within(n, def, least, T(math.MaxInt))
}

func (v *between[T]) String() string {
	if v.n == nil {
		return ""
	}
	return fmt.Sprint(*v.n)
}

func (v *between[T]) whole() bool {
	_, whole := any(v.least).(int)
	return whole
}

// Type is what help shows in place of a value.
func (v *between[T]) Type() string {
	if v.whole() {
		return "int"
	}
	return "float"
}

func (v *between[T]) Set(s string) error {
	var n T
	if v.whole() {
		i, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		n = T(i)
	} else {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return err
		}
		n = T(f)
	}
	if !(n >= v.least && n <= v.most) { // nor NaN
		return strconv.ErrRange
	}
	*v.n = n
	return nil
}

func (v *between[T]) wants() string {
	kind := "a number"
	if v.whole() {
		kind = "a whole number"
	}
	if v.most == T(math.MaxInt) {
		return fmt.Sprintf("%s, %v or more", kind, v.least)
	}
	return fmt.Sprintf("%s from %v to %v", kind, v.least, v.most)
}

// A span is a flag's value: how long something may take, which is not negative.
type span time.Duration

// lasting sets *d to a default and makes it the value of a flag.
func lasting(d *time.Duration, def time.Duration) *span {
	*d = def
	return (*span)(d)
}

func (v *span) String() string { return time.Duration(*v).String() }

// Type is what help shows in place of a value.
func (*span) Type() string { return "duration" }

func (v *span) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	if d < 0 {
		return strconv.ErrRange
	}
	*v = span(d)
	return nil
}

func (*span) wants() string { return "a time like 30s or 5m, 0 or more" }

// oneOf lists words of which one is wanted.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
