// SPDX-License-Identifier: GPL-2.0
// Generics and iterators inlined into each other: names and lines for compare_addr2line.py.
use std::collections::{BTreeMap, HashMap};
#[derive(Clone, Debug, PartialEq)]
struct Item { name: String, price: f64 }
fn square<T: std::ops::Mul<Output = T> + Copy>(x: T) -> T { x * x }
fn build(n: usize) -> Vec<Item> {
    (0..n).map(|i| Item { name: format!("item{}", i * 7919 % 1000), price: square((i % 97) as f64) }).collect()
}
fn main() {
    let n = std::env::args().count() * 2000;
    let mut items = build(n);
    items.sort_by(|a, b| a.price.partial_cmp(&b.price).unwrap().then_with(|| a.name.cmp(&b.name)));
    let mut map: BTreeMap<String, f64> = BTreeMap::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for item in &items { *map.entry(item.name.clone()).or_insert(0.0) += item.price; *seen.entry(item.name.as_str()).or_default() += 1; }
    let text: String = map.iter().map(|(k, v)| format!("{k}={v};")).collect();
    let sum: f64 = text.split(';').filter_map(|s| s.split_once('=')).filter_map(|(_, v)| v.parse::<f64>().ok()).sum();
    println!("{} {} {:?}", sum, seen.len(), items.first());
}
