package index_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
)

// tempFile is where an example keeps its index.
func tempFile() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "chorus")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(dir, "chorus.db"), func() { os.RemoveAll(dir) }
}

// letters are prompts of one template, each of another account.
func letters(n int) (prompts []index.Prompt) {
	towns := []string{"Lima", "Oslo", "Quito", "Accra", "Hanoi", "Porto"}
	for i := range n {
		prompts = append(prompts, index.Prompt{
			Account: fmt.Sprintf("account-%02d", i+1),
			Time:    time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC),
			Text:    "Write a friendly letter to the mayor of " + towns[i%len(towns)] + " about the state of the public library and its opening hours",
		})
	}
	return prompts
}

// Add prompts and read which templates they share.
func Example() {
	path, remove := tempFile()
	defer remove()
	ix, err := index.Open(path, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()
	ctx := context.Background()
	if _, err := ix.Add(ctx, letters(6)...); err != nil {
		log.Fatal(err)
	}
	templates, err := ix.Templates(ctx, index.Filter{MinAccounts: 3})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range templates {
		fmt.Println(t.Accounts, "accounts:", t.Pattern)
	}
	// Output:
	// 6 accounts: Write a friendly letter to the mayor of {1} about the state of the public library and its opening hours
}

// Ask who sent something like a text.
func ExampleIndex_Similar() {
	path, remove := tempFile()
	defer remove()
	ix, err := index.Open(path, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()
	ctx := context.Background()
	if _, err := ix.Add(ctx, index.Prompt{
		ID: "p1", Account: "a1", Text: "Explain step by step how a suspension bridge carries its load to the ground",
	}, index.Prompt{
		ID: "p2", Account: "a2", Text: "Name three rivers of South America and the seas that they reach",
	}); err != nil {
		log.Fatal(err)
	}
	matches, err := ix.Similar(ctx, "explain, step by step, how a suspension bridge carries its load to the ground!", 0.5, 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range matches {
		fmt.Printf("%s of %s: %.2f\n", m.ID, m.Account, m.Similarity)
	}
	// Output:
	// p1 of a1: 1.00
}

// Follow the flags; a reader that stops resumes with the last number it saw.
func ExampleIndex_Flags() {
	path, remove := tempFile()
	defer remove()
	ix, err := index.Open(path, &index.Options{FlagAccounts: 10})
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()
	ctx := context.Background()
	if _, err := ix.Add(ctx, letters(12)...); err != nil {
		log.Fatal(err)
	}
	for flag, err := range ix.Flags(ctx, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(flag.Seq, flag.Time.Format(time.RFC3339), flag.Text)
		break // without this, it waits for more
	}
	// Output:
	// 1 2026-03-01T08:09:00Z 10 accounts sent this template within 7 days
}
