package search_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/index/search"
)

// Find the template that holds some words, and show where they stand.
func Example() {
	dir, err := os.MkdirTemp("", "chorus")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db := filepath.Join(dir, "chorus.db")
	ix, err := index.Open(db, &index.Options{SiftBytes: 1 << 20}) // a small table for few prompts
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()
	ctx := context.Background()
	for i, town := range []string{"Lima", "Oslo", "Quito", "Accra", "Hanoi"} {
		if _, err := ix.Add(ctx, index.Prompt{
			Account: fmt.Sprint("account-", i),
			Time:    time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC),
			Text:    "Write a friendly letter to the mayor of " + town + " about the state of the public library and its opening hours",
		}); err != nil {
			log.Fatal(err)
		}
	}

	s, err := search.Open(ix, db+".search", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Sync(ctx); err != nil { // for an answer that is complete
		log.Fatal(err)
	}
	found, err := s.Search(ctx, search.Query{Text: `"public library" -school`, MinAccounts: 3})
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range found.Items {
		fmt.Print(hit.Accounts, " accounts: ")
		for _, part := range hit.Highlights[0].Parts {
			if part.Hit {
				fmt.Printf("«%s»", part.Text)
			} else {
				fmt.Print(part.Text)
			}
		}
	}
	// Output:
	// 5 accounts: …friendly letter to the mayor of {1} about the state of the «public library» and its opening hours
}
