package sift_test

import (
	"fmt"

	"github.com/seed-368d3dfa/chorus/index/internal/sift"
)

func ExampleTable_Observe() {
	table, err := sift.New(sift.Options{Bytes: 1 << 20, Accounts: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	out := make([]sift.State, 2)
	table.Observe(1, []uint64{100, 101}, out)
	fmt.Println(out[0] == sift.Single, out[1] == sift.Single)
	table.Observe(2, []uint64{100, 102}, out)
	fmt.Println(out[0] == sift.Promoted, out[1] == sift.Single)
	table.Observe(1, []uint64{100, 101}, out)
	fmt.Println(out[0] == sift.Prevalent, out[1] == sift.Single)
	// Output:
	// true true
	// true true
	// true true
}
