// SPDX-License-Identifier: GPL-2.0
//! Recursion of a known depth in Rust: values to drop, a call through a boxed closure.
//!
//!     deep_rs FRAME DEPTH SECONDS [thread]        FRAME: plain, closure
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static DEADLINE: AtomicU64 = AtomicU64::new(0);

fn tsc() -> u64 {
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[no_mangle]
#[inline(never)]
pub fn leaf_burn(mut seed: u64) -> u64 {
    while tsc() < DEADLINE.load(Ordering::Relaxed) {
        for i in 0..1_000_000u64 {
            seed = black_box(seed.wrapping_mul(6364136223846793005).wrapping_add(i));
        }
    }
    seed
}

macro_rules! cycle {
    ($($plain:ident $plain_below:ident $closure:ident $closure_below:ident)*) => { $(
        #[no_mangle]
        #[inline(never)]
        pub fn $plain(n: u64, seed: u64) -> u64 {
            let text = vec![seed; (n % 5 + 1) as usize];
            let below = if n > 0 { $plain_below(n - 1, seed.wrapping_mul(3)) } else { leaf_burn(seed) };
            below.wrapping_add(black_box(&text)[0])
        }

        #[no_mangle]
        #[inline(never)]
        pub fn $closure(n: u64, seed: u64) -> u64 {
            let text = vec![seed; (n % 5 + 1) as usize];
            let next: Box<dyn Fn(u64) -> u64 + '_> = black_box(Box::new(|down: u64| {
                let below = if n > 0 { $closure_below(n - 1, down.wrapping_mul(3)) } else { leaf_burn(down) };
                below.wrapping_add(black_box(&text)[0])
            }));
            next(seed).wrapping_add(n)
        }
    )* };
}

cycle! {
    plain_0 plain_6 closure_0 closure_6
    plain_1 plain_0 closure_1 closure_0
    plain_2 plain_1 closure_2 closure_1
    plain_3 plain_2 closure_3 closure_2
    plain_4 plain_3 closure_4 closure_3
    plain_5 plain_4 closure_5 closure_4
    plain_6 plain_5 closure_6 closure_5
}

#[no_mangle]
#[inline(never)]
pub fn descend(is_closure: bool, n: u64) -> u64 {
    let plain: [fn(u64, u64) -> u64; 7] = [plain_0, plain_1, plain_2, plain_3, plain_4, plain_5, plain_6];
    let closure: [fn(u64, u64) -> u64; 7] =
        [closure_0, closure_1, closure_2, closure_3, closure_4, closure_5, closure_6];
    let first = black_box(if is_closure { closure } else { plain })[(n % 7) as usize];
    black_box(first(n, 1)).wrapping_add(1)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let is_closure = args[1] == "closure";
    let n = args[2].parse::<u64>().unwrap() - 1;
    let seconds: f64 = args[3].parse().unwrap();
    let (start, clock) = (tsc(), Instant::now());
    std::thread::sleep(Duration::from_millis(10));
    let hz = (tsc() - start) as f64 / clock.elapsed().as_secs_f64();
    DEADLINE.store(start + (hz * seconds) as u64, Ordering::Relaxed);
    if args.len() > 4 {
        std::thread::spawn(move || black_box(descend(is_closure, n))).join().unwrap();
    } else {
        black_box(descend(is_closure, n));
    }
}
