// SPDX-License-Identifier: GPL-2.0
/* Templates, lambdas and library code inlined into each other: names and lines for compare_addr2line.py. */
#include <map>
#include <string>
#include <vector>
#include <algorithm>
#include <regex>
#include <functional>
#include <iostream>
#include <sstream>
#include <unordered_map>
#include <numeric>
namespace shop {
template <class T> static inline T square(T x) { return x * x; }
struct Item { std::string name; double price; int count; };
class Basket {
public:
	void add(Item item) { items_.push_back(std::move(item)); index_[items_.back().name] = items_.size() - 1; }
	double total() const { return std::accumulate(items_.begin(), items_.end(), 0.0, [](double sum, const Item &i) { return sum + square(i.price) * i.count; }); }
	void sort() { std::sort(items_.begin(), items_.end(), [](const Item &a, const Item &b) { return a.price < b.price || (a.price == b.price && a.name < b.name); }); }
	std::string dump() const { std::ostringstream out; for (auto &i : items_) out << i.name << '=' << i.price << '\n'; return out.str(); }
private:
	std::vector<Item> items_;
	std::unordered_map<std::string, size_t> index_;
};
}
int main(int argc, char **)
{
	shop::Basket basket;
	std::map<std::string, std::function<int(int)>> table{{"double", [](int x) { return 2 * x; }}, {"square", shop::square<int>}};
	for (int i = 0; i < argc * 1000; i++)
		basket.add({"item" + std::to_string(i * 7919 % 1000), (double)table[i % 2 ? "double" : "square"](i % 100), i % 5});
	basket.sort();
	std::regex pattern("item([0-9]+)=([0-9.]+)");
	std::string text = basket.dump();
	long cnt = 0;
	for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
		cnt += std::stol((*it)[1].str());
	std::cout << cnt << ' ' << basket.total() << '\n';
}
