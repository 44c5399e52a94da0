// SPDX-License-Identifier: GPL-2.0
//! Three functions that each leak 30,000 bytes in Rust's own ways, and much that is dropped: heap_rust [WAIT_MS]; or, after a line
//! on stdin, threads that hand blocks to one another and drop all of them: heap_rust threads N MS
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

type Slot = Mutex<Option<Vec<u8>>>;

#[allow(clippy::declare_interior_mutable_const)]
const EMPTY: Slot = Mutex::new(None);
static SLOTS: [Slot; 1024] = [EMPTY; 1024];

#[no_mangle]
#[inline(never)]
pub fn leak_boxes() {
    for _ in 0..30 {
        std::mem::forget(black_box(Box::new([1u8; 1000])));
    }
}

#[no_mangle]
#[inline(never)]
pub fn leak_vec() {
    let mut grown: Vec<u64> = Vec::new();
    for i in 0..3750 {
        grown.push(black_box(i));
    }
    grown.shrink_to_fit();
    std::mem::forget(black_box(grown));
}

#[no_mangle]
#[inline(never)]
pub fn leak_zeroed() {
    for _ in 0..3 {
        std::mem::forget(black_box(vec![0u8; 10000]));
    }
}

#[no_mangle]
#[inline(never)]
pub fn balanced() {
    let mut map = HashMap::new();
    for i in 0..1000 {
        map.insert(format!("key {i}"), vec![i; 10]);
    }
    black_box(map.len());
}

#[no_mangle]
#[inline(never)]
pub fn exchange_blocks(seed: u64, end: Instant) {
    let mut random = seed;
    while Instant::now() < end {
        for _ in 0..100 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let mut block = vec![1u8; (random >> 20) as usize % 2000 + 1];
            block.extend_from_slice(&[2; 100]); // grows: a realloc
            let old = SLOTS[(random >> 33) as usize % SLOTS.len()].lock().unwrap().replace(black_box(block));
            drop(black_box(old));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn run_threads(cnt: u64, ms: u64) {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let end = Instant::now() + Duration::from_millis(ms);
    let threads: Vec<_> = (0..cnt).map(|i| std::thread::spawn(move || exchange_blocks(i, end))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    for slot in &SLOTS {
        drop(slot.lock().unwrap().take());
    }
}

fn main() {
    let number = |i| std::env::args().nth(i).map_or(0, |text: String| text.parse().unwrap());
    if std::env::args().nth(1).as_deref() == Some("threads") {
        return run_threads(number(2), number(3));
    }
    std::thread::sleep(Duration::from_millis(number(1)));
    leak_boxes();
    leak_vec();
    leak_zeroed();
    balanced();
}
