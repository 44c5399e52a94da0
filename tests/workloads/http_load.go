// SPDX-License-Identifier: GPL-2.0

// An HTTP server as they are, and its load: http_load server prints its port and answers JSON until stdin ends; http_load
// load PORT REQUESTS asks 8 at a time, on connections that stay.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
)

type item struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

func answer(writer http.ResponseWriter, request *http.Request) {
	items := make([]item, 50)
	for i := range items {
		items[i] = item{fmt.Sprintf("item %d", i*7919%50), float64(i) * 1.5}
	}
	sort.Slice(items, func(a, b int) bool { return items[a].Name < items[b].Name })
	json.NewEncoder(writer).Encode(items)
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/", answer)
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}

func load(port string, requests int64) {
	var left = requests
	var clients sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	for i := 0; i < 8; i++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			client := http.Client{Transport: transport}
			for atomic.AddInt64(&left, -1) >= 0 {
				response, err := client.Get("http://127.0.0.1:" + port + "/")
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		}()
	}
	clients.Wait()
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "load" {
		requests, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err != nil {
			panic(err)
		}
		load(os.Args[2], requests)
		return
	}
	serve()
}
