// SPDX-License-Identifier: GPL-2.0

// A Go program with net/http/pprof: the oracle for what bpfprof's routes answer. Prints its port, then burns some CPU.
//go:debug httpmuxgo121=0
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"sync"
	"time"
)

var (
	kept [][]byte
	lock sync.Mutex
)

func work() {
	for {
		lock.Lock()
		kept = append(kept[len(kept)/2:], make([]byte, 100000))
		time.Sleep(time.Millisecond)
		lock.Unlock()
	}
}

func main() {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	go work()
	go work()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	// Without a mux's method patterns, so that Symbol gets its POST.
	http.HandleFunc("/symbolpost", pprof.Symbol)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	os.Stdout.Sync()
	panic(http.Serve(listener, nil))
}
