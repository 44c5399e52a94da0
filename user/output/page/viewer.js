// SPDX-License-Identifier: GPL-2.0
// Flame graph, table, search, filters and comparison of one profile. The page of -f html is one of these, and the
// live page has one.

const COMPARE_BY = [["amount", "as measured"], ["rate", "per second"], ["share", "as share"]];

class Viewer {
	// options: {chooseBase()}: what the Compare button does instead of asking for a file.
	constructor(options = {}) {
		this.options = options;
		this.state = {type: null, filter: {}, group: "none", inverted: false, focus: null, by: "amount", view: "both"};
		this.flame = new FlameGraph({hover: (...args) => this.onHover(...args), select: (node) => this.onSelect(node),
			zoom: () => this.showTrail()});
		this.table = new FunctionTableView({select: (fn) => this.selectFunction(fn), focus: (fn) => this.focus(fn, false)});
		this.build();
		document.addEventListener("keydown", (event) => this.onKey(event));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.render());
	}

	build() {
		this.search = element("input", {type: "search", class: "search", placeholder: "Search functions", spellcheck: "false",
			"aria-label": "Search functions by regular expression", oninput: () => this.runSearch()});
		this.searchShare = element("output", {class: "search-share", "aria-live": "polite"});
		this.typeSelect = this.makeSelect("Value", (value) => this.set({type: value}));
		this.groupSelect = this.makeSelect("Group", (value) => this.set({group: value}));
		this.filterSelects = LABELS.map((label) => this.makeSelect(label, (value) =>
			this.set({filter: {...this.state.filter, [label]: value === "*" ? undefined : value.slice(1)}})));
		this.direction = this.makeSegments("Direction", [["down", "Callees", "From the root down to what it calls"],
			["up", "Callers", "From each function up to what calls it (i)"]], (value) => this.set({inverted: value === "up"}));
		this.views = this.makeSegments("View", [["graph", "Graph", ""], ["both", "Both", ""], ["table", "Table", ""]],
			(value) => this.setView(value));
		this.flip = element("button", {title: "Root at the bottom or at the top (f)", "aria-pressed": false,
			onclick: () => this.toggleFlip()}, "Flip");
		this.fileInput = element("input", {type: "file", class: "hidden", tabindex: -1, "aria-hidden": true,
			accept: ".html,.json,.gz,.pb,.pprof", onchange: () => this.loadFiles(this.fileInput.files)});
		this.compare = element("button", {class: "compare", title: "Compare with an earlier capture: a .html of bpfprof or a .pb.gz of any pprof (c)",
			onclick: () => this.chooseBase()}, "Compare…");
		this.chips = element("div", {class: "chips"});
		this.trail = element("nav", {class: "trail", "aria-label": "Zoom"});
		this.legend = element("div", {class: "legend", "aria-label": "Binaries"});
		this.details = element("div", {class: "details", "aria-live": "polite"});
		this.tooltip = element("div", {class: "tooltip", hidden: true, role: "tooltip"});
		this.message = element("div", {class: "message", role: "alert", hidden: true});
		this.remarks = element("div", {class: "remarks", role: "note", hidden: true});
		this.panes = element("div", {class: "panes"},
			element("div", {class: "pane graph-pane"}, this.trail, this.flame.box, this.legend),
			element("div", {class: "pane table-pane"}, this.table.box));
		this.element = element("section", {class: "viewer"},
			element("div", {class: "toolbar"},
				element("div", {class: "search-field"}, this.search, this.searchShare),
				this.typeSelect, this.direction, this.flip, this.groupSelect, ...this.filterSelects,
				this.compare, this.fileInput, element("span", {class: "space"}), this.views),
			this.message, this.remarks, this.chips, this.panes, this.details, this.tooltip);
		this.element.addEventListener("dragover", (event) => event.preventDefault());
		this.element.addEventListener("drop", (event) => {
			event.preventDefault();
			this.loadFiles(event.dataTransfer.files);
		});
		this.setView(matchMedia("(max-width: 900px)").matches ? "graph" : "both");
	}

	makeSelect(label, change) {
		const select = element("select", {"aria-label": label, title: label, "data-label": label,
			onchange: () => change(select.value)});
		return select;
	}

	makeSegments(label, choices, change) {
		const box = element("div", {class: "segments", role: "group", "aria-label": label});
		for (const [value, text, title] of choices)
			box.append(element("button", {"data-value": value, title: title || false, "aria-pressed": false,
				onclick: () => change(value)}, text));
		return box;
	}

	static press(segments, value) {
		for (const button of segments.children)
			button.setAttribute("aria-pressed", button.dataset.value === value);
	}

	// base: null, or {profile, name}.
	show(profile, base = null) {
		if (!this.profile || this.profile.kind !== profile.kind)
			this.state.type = profile.types[profile.defaultType].type;
		this.profile = profile;
		this.base = base;
		this.remarks.replaceChildren(...profile.remarks.map((text) => element("div", {}, text)));
		this.remarks.hidden = !profile.remarks.length;
		for (const label of LABELS)
			if (this.state.filter[label] !== undefined && !profile.labels(label).texts.includes(this.state.filter[label]))
				this.state.filter[label] = undefined;
		if (base && !this.table.compared)
			Object.assign(this.table, {sort: "flatChange", descending: true});
		if (base)
			this.state.by = Viewer.fittingComparison(profile, base.profile);
		this.render();
	}

	// Captures of about one length compare as they are, others a second; without lengths by share.
	static fittingComparison(profile, base) {
		if (!profile.durationNs || !base.durationNs)
			return "share";
		return Math.abs(profile.durationNs / base.durationNs - 1) < 0.05 ? "amount" : "rate";
	}

	set(change) {
		Object.assign(this.state, change);
		this.render();
	}

	setView(view) {
		this.state.view = view;
		this.panes.dataset.view = view;
		Viewer.press(this.views, view);
		this.flame.resize();
	}

	toggleFlip() {
		this.flame.setRootUp(!this.flame.rootUp);
		this.flip.setAttribute("aria-pressed", this.flame.rootUp);
	}

	get unit() {
		return this.profile.types[this.profile.typeIndex(this.state.type)].unit;
	}

	baseScale() {
		const {profile, base, state} = this, type = profile.typeIndex(state.type);
		if (!base || state.by === "amount")
			return 1;
		const [now, then] = state.by === "rate" ? [profile.durationNs, base.profile.durationNs] :
			[profile.total(type), base.profile.total(base.profile.typeIndex(state.type))];
		return now && then ? now / then : 1;
	}

	render() {
		if (!this.profile)
			return;
		const {profile, state} = this, base = this.base && this.base.profile;
		const table = new FunctionTable(base ? [profile, base] : [profile]);
		const focus = state.focus ? table.list.findIndex((fn) => fn.name === state.focus.name && fn.module === state.focus.module) : -1;
		if (focus < 0)
			state.focus = null;
		const request = {profile, base, scale: this.baseScale(), type: state.type, filter: state.filter,
			group: state.group, inverted: state.inverted, focus, table};
		const rows = buildTable(request);
		const tree = buildTree(request);
		this.fns = table.list;
		this.modules = this.moduleShares(rows);
		this.colors = new Colors(this.modules.map(([module]) => module));
		const whole = [0, 1].map((which) => rows.reduce((sum, row) => sum + row.flat[which], 0));
		this.table.show(rows, this.fns, this.colors, this.unit, whole, Boolean(base));
		this.flame.show(tree, this.fns, this.colors, this.unit);
		this.showControls();
		this.showLegend(whole[0]);
		this.showTrail();
		this.showDetails(-1);
		this.runSearch();
		this.element.dispatchEvent(new CustomEvent("rendered"));
	}

	moduleShares(rows) {
		const sums = new Map();
		for (const row of rows) {
			const module = this.fns[row.fn].module;
			sums.set(module, (sums.get(module) || 0) + Math.abs(row.flat[0]) + Math.abs(row.flat[1]));
		}
		return [...sums].sort((a, b) => b[1] - a[1]);
	}

	showControls() {
		const {profile, state} = this, type = profile.typeIndex(state.type);
		Viewer.fill(this.typeSelect, profile.types.map((t) => [t.type, t.type]), profile.types[type].type);
		this.typeSelect.hidden = profile.types.length < 2;
		const groups = [["none", "Merged"], ...LABELS.filter((label, i) => i < 3 || profile.labels(label).texts.length > 1)
			.map((label) => [label, `By ${label.replace("_", " ")}`])];
		Viewer.fill(this.groupSelect, groups, state.group);
		LABELS.forEach((label, i) => this.showFilter(label, this.filterSelects[i], type));
		Viewer.press(this.direction, state.inverted ? "up" : "down");
		this.showChips();
	}

	showFilter(label, select, type) {
		const values = labelValues(this.profile, label, type), whole = values.reduce((sum, [, value]) => sum + value, 0);
		const chosen = this.state.filter[label];
		select.hidden = values.length < 2;
		Viewer.fill(select, [["*", `${{process: "All processes", thread: "All threads", cgroup: "All cgroups"}[label] || `Any ${label.replace("_", " ")}`} (${values.length})`],
			...values.filter(([text], i) => i < 500 || text === chosen).map(([text, value]) => [`=${text}`, `${text} · ${shareText(value, whole)}`])],
		chosen === undefined ? "*" : `=${chosen}`);
	}

	static fill(select, choices, chosen) {
		select.replaceChildren(...choices.map(([value, text]) => element("option", {value}, text)));
		select.value = chosen;
	}

	showChips() {
		const chips = [];
		if (this.state.focus)
			chips.push(this.chip("focus", `${this.state.inverted ? "Callers of" : "Callees of"} ${this.state.focus.name}`,
				() => this.set({focus: null})));
		if (this.base) {
			const by = this.makeSelect("Compare", (value) => this.set({by: value}));
			Viewer.fill(by, COMPARE_BY, this.state.by);
			chips.push(this.chip("base", `Compared with ${this.base.name}`, () => this.show(this.profile)), by,
				element("button", {class: "swap", onclick: () => this.swap(), title: "Make the base the capture, and the capture the base"}, "Swap"),
				element("span", {class: "key"}, element("i", {class: "key-more"}), "more ", element("i", {class: "key-less"}), "less than the base"));
		}
		this.chips.replaceChildren(...chips);
		this.chips.hidden = !chips.length;
	}

	chip(name, text, remove) {
		return element("span", {class: "chip", "data-chip": name}, element("span", {}, text),
			element("button", {"aria-label": "Remove", title: "Remove", onclick: remove}, "×"));
	}

	swap() {
		const base = this.base;
		this.show(base.profile, {profile: this.profile, name: this.name || this.profile.title()});
		this.name = base.name;
	}

	showLegend(whole) {
		const shares = new Map();
		for (const row of this.table.rows)
			shares.set(this.fns[row.fn].module, (shares.get(this.fns[row.fn].module) || 0) + row.flat[0]);
		let lit = null;
		this.legend.replaceChildren(...this.modules.filter(([module]) => module).slice(0, MODULE_HUES.length).map(([module]) => {
			const swatch = element("span", {class: "swatch", "aria-hidden": true});
			swatch.style.background = this.colors.ofModule(module);
			const button = element("button", {"aria-pressed": false, title: `Show what is in ${module}`, onclick: () => {
				lit = lit === module ? null : module;
				for (const other of this.legend.children)
					other.setAttribute("aria-pressed", other === button && lit !== null);
				this.flame.dim(lit === null ? null : (fn) => fn.module === lit);
			}}, swatch, module, element("span", {class: "faint"}, ` ${shareText(shares.get(module) || 0, whole)}`));
			return button;
		}));
		this.flame.dimmed = null;
	}

	showTrail() {
		const parts = [];
		for (let node = this.flame.zoomed; node > 0; node = this.flame.tree.parent[node])
			parts.unshift(node);
		this.trail.hidden = !parts.length;
		const shown = parts.length > 6 ? [...parts.slice(0, 2), -1, ...parts.slice(-3)] : parts;
		this.trail.replaceChildren(element("button", {class: "zoom-out", onclick: () => this.flame.zoom(0)}, "all"),
			...shown.map((node) => node < 0 ? element("span", {}, "…") :
				element("button", {onclick: () => this.flame.zoom(node), title: this.flame.nameOf(node)}, this.flame.nameOf(node))));
	}

	searchTest() {
		const text = this.search.value;
		if (!text)
			return null;
		try {
			const expression = new RegExp(text, /[A-Z]/.test(text) ? "u" : "iu");
			return (fn) => expression.test(fn.name);
		} catch {
			const lower = text.toLowerCase();
			return (fn) => fn.name.toLowerCase().includes(lower);
		}
	}

	runSearch() {
		if (!this.profile)
			return;
		const test = this.searchTest(), sum = this.flame.search(test), tree = this.flame.tree;
		const whole = tree.compared ? tree.total[0][0] : tree.weight[0];
		this.table.filter(test);
		this.searchShare.textContent = test ? `${shareText(sum, whole)} · ${valueText(sum, this.unit)}` : "";
	}

	onHover(node, x, y) {
		this.tooltip.hidden = node < 0;
		if (node < 0)
			return;
		this.tooltip.replaceChildren(...this.describe(node));
		const {offsetWidth: width, offsetHeight: height} = this.tooltip;
		this.tooltip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 8))}px`;
		this.tooltip.style.top = `${y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
	}

	// A node in words: elements.
	describe(node) {
		const tree = this.flame.tree, unit = this.unit, root = tree.total[0][0], now = tree.total[0][node];
		const fn = node ? this.fns[tree.fn[node]] : null;
		const words = [element("strong", {class: "frame-name"}, this.flame.nameOf(node))];
		if (fn) {
			const kind = fn.flags & KERNEL ? "kernel" : fn.flags & INLINED ? "inlined" : "";
			const where = [fn.flags & WORD ? "" : fn.mapping, fn.file && `${fn.file}${fn.line ? `:${fn.line}` : ""}`, kind].filter(Boolean);
			words.push(element("span", {class: "faint"}, where.join(" · ")));
		}
		const figures = [`total ${valueText(now, unit)} (${shareText(now, root)})`, ...(this.state.inverted ? [] : [`self ${valueText(tree.self[0][node], unit)} (${shareText(tree.self[0][node], root)})`])];
		if (this.flame.zoomed && node !== this.flame.zoomed)
			figures.push(`${shareText(now, tree.total[0][this.flame.zoomed])} of the zoomed frame`);
		if (tree.compared)
			figures.push(`base ${valueText(tree.total[1][node], unit)}, change ${signedText(now - tree.total[1][node], unit)}`);
		words.push(element("span", {class: "figures"}, figures.join("  ·  ")));
		return words;
	}

	showDetails(node) {
		if (node < 0) {
			this.details.replaceChildren(element("span", {class: "faint"}, "Click a frame to zoom in, double-click a row of the table to see what it calls. Press ? for keys."));
			return;
		}
		const fn = node ? this.flame.tree.fn[node] : -1;
		const buttons = fn < 0 || this.fns[fn].flags & WORD ? [] : [
			element("button", {class: "callees", onclick: () => this.focus(fn, false)}, "Its callees"),
			element("button", {class: "callers", onclick: () => this.focus(fn, true)}, "Its callers"),
			element("button", {class: "copy", onclick: (event) => Viewer.copy(this.fns[fn].name, event.currentTarget)}, "Copy name")];
		this.details.replaceChildren(element("div", {class: "words"}, ...this.describe(node)), element("div", {class: "buttons"}, ...buttons));
	}

	static async copy(text, button) {
		try {
			await navigator.clipboard.writeText(text);
			button.textContent = "Copied";
		} catch {
			button.textContent = "Not allowed";
		}
	}

	onSelect(node) {
		this.flame.dimmed = null;
		this.showDetails(node);
		this.table.select(node > 0 ? this.flame.tree.fn[node] : -1);
	}

	// A row of the table: the widest frame of its function is selected.
	selectFunction(fn) {
		const tree = this.flame.tree;
		let best = -1;
		for (let node = 1; node < tree.parent.length; node++)
			if (tree.fn[node] === fn && (best < 0 || tree.weight[node] > tree.weight[best]))
				best = node;
		this.table.select(fn);
		this.flame.dim((other) => other.id === fn);
		if (best >= 0) {
			this.flame.select(best, true);
			this.showDetails(best);
		}
	}

	focus(fn, inverted) {
		this.search.value = "";
		this.set({focus: this.fns[fn], inverted});
	}

	chooseBase() {
		if (this.options.chooseBase)
			this.options.chooseBase();
		else
			this.fileInput.click();
	}

	async loadFiles(files) {
		if (!files.length)
			return;
		const file = files[0];
		this.message.hidden = true;
		try {
			const profile = await readProfileFile(file);
			if (!profile.types.some((type) => type.type === this.state.type))
				throw new Error(`it has no ${this.state.type}, only ${profile.types.map((type) => type.type).join(", ")}`);
			this.show(this.profile, {profile, name: visibleText(file.name)});
		} catch (error) {
			this.message.textContent = `${visibleText(file.name)} cannot be compared: ${error.message}`;
			this.message.hidden = false;
		}
		this.fileInput.value = "";
	}

	escape() {
		if (this.search.value) {
			this.search.value = "";
			this.runSearch();
		} else if (this.flame.dimmed) {
			this.flame.dim(null);
			for (const button of this.legend.children)
				button.setAttribute("aria-pressed", false);
		} else if (this.flame.zoomed) {
			this.flame.zoom(0);
		} else if (this.state.focus) {
			this.set({focus: null});
		}
	}

	nextType() {
		const types = this.profile.types.map((type) => type.type);
		this.set({type: types[(types.indexOf(this.state.type) + 1) % types.length]});
	}

	onKey(event) {
		if (!this.profile || !this.element.offsetParent || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
			return;
		if (event.key === "Escape") {
			this.escape();
			if (event.target === this.search)
				this.flame.canvas.focus();
			return;
		}
		if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName))
			return;
		const keys = {"/": () => this.search.focus(), i: () => this.set({inverted: !this.state.inverted}), f: () => this.toggleFlip(),
			t: () => this.nextType(), c: () => this.chooseBase(), 1: () => this.setView("graph"), 2: () => this.setView("both"),
			3: () => this.setView("table")};
		if (!keys[event.key])
			return;
		event.preventDefault();
		keys[event.key]();
	}
}
