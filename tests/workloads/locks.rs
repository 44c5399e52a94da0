// SPDX-License-Identifier: GPL-2.0
// locks.c with the Mutex of Rust's library.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

type Lock = Arc<Mutex<u32>>;

#[no_mangle]
#[inline(never)]
fn hold_long(lock: &Lock) {
    let mut guard = lock.lock().unwrap();
    sleep(Duration::from_millis(9));
    *guard += 1;
    drop(guard);
    std::hint::black_box(lock);
}

#[no_mangle]
#[inline(never)]
fn hold_short(lock: &Lock) {
    let mut guard = lock.lock().unwrap();
    sleep(Duration::from_millis(3));
    *guard += 1;
    drop(guard);
    std::hint::black_box(lock);
    std::hint::black_box(lock);
}

#[no_mangle]
#[inline(never)]
fn want_it(lock: &Lock, waited_ns: &AtomicU64) {
    let before = Instant::now();
    let guard = lock.lock().unwrap();
    waited_ns.fetch_add(before.elapsed().as_nanos() as u64, SeqCst);
    drop(guard);
    std::hint::black_box(lock);
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(2, |text| text.parse().unwrap());
    let lock: Lock = Arc::new(Mutex::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let waited_ns = Arc::new(AtomicU64::new(0));
    let mut threads = vec![];
    let (its_lock, its_done) = (lock.clone(), done.clone());
    threads.push(spawn(move || {
        while !its_done.load(SeqCst) {
            hold_long(&its_lock);
            sleep(Duration::from_millis(5));
            hold_short(&its_lock);
            sleep(Duration::from_millis(5));
        }
    }));
    for _ in 0..3 {
        let (its_lock, its_done, its_waited_ns) = (lock.clone(), done.clone(), waited_ns.clone());
        threads.push(spawn(move || {
            while !its_done.load(SeqCst) {
                want_it(&its_lock, &its_waited_ns);
                sleep(Duration::from_millis(1));
            }
        }));
    }
    sleep(Duration::from_secs(seconds));
    done.store(true, SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
    println!("{}", waited_ns.load(SeqCst));
}
