// SPDX-License-Identifier: GPL-2.0
// The functions of a profile with flat and cum, as pprof calls them: what a function did itself, and it with what it
// called.

const TABLE_ROWS = 200;

class FunctionTableView {
	// handlers: select(fn), focus(fn)
	constructor(handlers) {
		this.handlers = handlers;
		this.head = element("thead");
		this.body = element("tbody");
		this.more = element("button", {class: "more", hidden: true, onclick: () => {
			this.limit *= 5;
			this.render();
		}});
		this.box = element("div", {class: "table-box", tabindex: -1},
			element("table", {class: "functions"}, this.head, this.body), this.more);
		this.sort = "flat";
		this.descending = true;
		this.selected = -1;
		this.test = null;
		this.body.addEventListener("click", (event) => this.onRow(event, this.handlers.select));
		this.body.addEventListener("dblclick", (event) => this.onRow(event, this.handlers.focus));
		this.body.addEventListener("keydown", (event) => this.onKey(event));
	}

	// rows: of buildTable; whole: [profile's, base's] totals
	show(rows, fns, colors, unit, whole, compared) {
		Object.assign(this, {rows, fns, colors, unit, whole, compared, limit: TABLE_ROWS, selected: -1});
		if (!compared && /Change$/.test(this.sort))
			this.sort = "flat";
		this.render();
	}

	// test: of a function, or null for all.
	filter(test) {
		this.test = test;
		this.limit = TABLE_ROWS;
		if (this.rows)
			this.render();
	}

	select(fn) {
		this.selected = fn;
		for (const row of this.body.rows)
			row.setAttribute("aria-selected", Number(row.dataset.fn) === fn);
		const row = [...this.body.rows].find((candidate) => Number(candidate.dataset.fn) === fn);
		if (row)
			row.scrollIntoView({block: "nearest"});
	}

	onRow(event, handler) {
		const row = event.target.closest("tr");
		if (row)
			handler(Number(row.dataset.fn));
	}

	onKey(event) {
		const row = event.target.closest("tr");
		if (!row)
			return;
		const next = event.key === "ArrowDown" ? row.nextElementSibling : event.key === "ArrowUp" ? row.previousElementSibling : null;
		if (event.key === "Enter")
			this.handlers.focus(Number(row.dataset.fn));
		else if (next)
			next.focus();
		else
			return;
		if (next)
			this.handlers.select(Number(next.dataset.fn));
		event.preventDefault();
	}

	static value(row, key) {
		switch (key) {
		case "flat": return row.flat[0];
		case "cum": return row.cum[0];
		case "flatChange": return row.flat[0] - row.flat[1];
		default: return row.cum[0] - row.cum[1];
		}
	}

	sorted() {
		const sign = this.descending ? -1 : 1;
		const shown = this.rows.filter((row) => !this.test || this.test(this.fns[row.fn]));
		const size = /Change$/.test(this.sort) ? Math.abs : (value) => value;
		const names = (a, b) => this.fns[a.fn].name.localeCompare(this.fns[b.fn].name);
		return shown.sort(this.sort === "name" ? (a, b) => sign * names(a, b) :
			(a, b) => sign * (size(FunctionTableView.value(a, this.sort)) - size(FunctionTableView.value(b, this.sort))) || names(a, b));
	}

	columns() {
		return this.compared ?
			[["flat", "Flat", "What the function did itself"], ["flatChange", "Change", "Flat, less the base's"],
				["cum", "Cum", "The function and all that it called"], ["cumChange", "Change", "Cum, less the base's"]] :
			[["flat", "Flat", "What the function did itself"], ["flatShare", "%", ""],
				["cum", "Cum", "The function and all that it called"], ["cumShare", "%", ""]];
	}

	render() {
		const columns = this.columns(), rows = this.sorted();
		this.head.replaceChildren(element("tr", {}, ...[...columns, ["name", "Function", "By name"]].map((column) => this.heading(column))));
		this.body.replaceChildren(...rows.slice(0, this.limit).map((row, i) => this.line(row, columns, i)));
		this.more.hidden = rows.length <= this.limit;
		this.more.textContent = `Show more (${Math.min(this.limit, rows.length)} of ${rows.length})`;
		if (!rows.length)
			this.body.append(element("tr", {class: "none"}, element("td", {colspan: 5}, this.test ? "No function matches." : "No samples.")));
	}

	heading([key, text, title]) {
		if (/Share$/.test(key))
			return element("th", {scope: "col", class: "number"}, text);
		const sorted = this.sort === key;
		return element("th", {scope: "col", class: key === "name" ? "" : "number",
			"aria-sort": sorted ? (this.descending ? "descending" : "ascending") : null},
		element("button", {title, "data-sort": key, onclick: () => {
			this.descending = sorted ? !this.descending : key !== "name";
			this.sort = key;
			this.render();
			this.head.querySelector(`[data-sort="${key}"]`).focus();
		}}, text, element("span", {class: "arrow", "aria-hidden": true}, sorted ? (this.descending ? " ▾" : " ▴") : "")));
	}

	line(row, columns, index) {
		const fn = this.fns[row.fn], whole = this.whole[0];
		const made = element("tr", {"data-fn": row.fn, tabindex: index ? -1 : 0, "aria-selected": row.fn === this.selected},
			...columns.map(([key]) => this.cell(row, key, whole)),
			element("td", {class: "name", title: `${fn.name}\n${fn.mapping}${fn.file ? `\n${fn.file}:${fn.line}` : ""}`},
				this.swatch(fn), fn.name));
		made.style.setProperty("--flat", whole ? Math.min(1, Math.abs(row.flat[0] / whole)) : 0);
		made.style.setProperty("--cum", whole ? Math.min(1, Math.abs(row.cum[0] / whole)) : 0);
		return made;
	}

	swatch(fn) {
		const made = element("span", {class: "swatch", "aria-hidden": true});
		made.style.background = this.colors.ofModule(fn.module);
		return made;
	}

	cell(row, key, whole) {
		if (key === "flatShare" || key === "cumShare")
			return element("td", {class: `number share ${key}`}, shareText(key === "flatShare" ? row.flat[0] : row.cum[0], whole));
		const value = FunctionTableView.value(row, key);
		if (!/Change$/.test(key))
			return element("td", {class: `number ${key}`}, valueText(value, this.unit));
		return element("td", {class: `number ${value > 0 ? "more-of" : value < 0 ? "less-of" : ""}`}, signedText(value, this.unit));
	}
}
