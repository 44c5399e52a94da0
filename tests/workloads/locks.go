// SPDX-License-Identifier: GPL-2.0

// locks.c with Go's sync.Mutex. Goroutines park without the kernel; what it sees is the thread that an unlock wakes to run
// the next one.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var mutex sync.Mutex
var done atomic.Bool
var waitedNs atomic.Int64

//go:noinline
func hold_long() {
	mutex.Lock()
	time.Sleep(9 * time.Millisecond)
	mutex.Unlock()
}

//go:noinline
func hold_short() {
	mutex.Lock()
	time.Sleep(3 * time.Millisecond)
	mutex.Unlock()
}

//go:noinline
func want_it() {
	before := time.Now()
	mutex.Lock()
	waitedNs.Add(time.Since(before).Nanoseconds())
	mutex.Unlock()
}

func main() {
	seconds, _ := strconv.Atoi(os.Args[1])
	var group sync.WaitGroup
	group.Add(4)
	go func() {
		defer group.Done()
		for !done.Load() {
			hold_long()
			time.Sleep(5 * time.Millisecond)
			hold_short()
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for i := 0; i < 3; i++ {
		go func() {
			defer group.Done()
			for !done.Load() {
				want_it()
				time.Sleep(time.Millisecond)
			}
		}()
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	done.Store(true)
	group.Wait()
	fmt.Println(waitedNs.Load())
}
