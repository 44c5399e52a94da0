// SPDX-License-Identifier: GPL-2.0
//! Three functions that each leak 30,000 bytes in Rust's own ways, and much that is dropped.
use std::collections::HashMap;
use std::hint::black_box;

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

fn main() {
    let wait: u64 = std::env::args().nth(1).map_or(0, |text| text.parse().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(wait));
    leak_boxes();
    leak_vec();
    leak_zeroed();
    balanced();
}
