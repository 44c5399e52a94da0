// SPDX-License-Identifier: GPL-2.0
// The live page: processes, captures, charts, losses.

const REFRESH_MS = 1000, PROCESS_SECONDS = 10;
const TABS = [["profiles", "Profiles"], ["scheduler", "Scheduler"], ["heap", "Heap"], ["losses", "Losses"]];

class ProcessList {
	constructor(choose) {
		this.choose = choose;
		this.pid = 0;
		this.rows = [];
		this.filter = element("input", {type: "search", placeholder: "Processes by CPU", "aria-label": "Filter processes", oninput: () => this.render()});
		this.list = element("ul", {class: "process-list"});
		this.list.addEventListener("keydown", (event) => this.onKey(event));
		this.element = element("aside", {class: "processes", "aria-label": "Processes"},
			element("div", {class: "processes-head"}, this.filter), this.list);
	}

	show(answer, root) {
		this.rows = answer.processes;
		this.seconds = answer.seconds;
		this.total = this.rows.reduce((sum, row) => sum + row.cpu_ns, 0);
		this.root = root;
		this.render();
	}

	onKey(event) {
		const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
		if (!step)
			return;
		const buttons = [...this.list.querySelectorAll("button")];
		const next = buttons[buttons.indexOf(document.activeElement) + step];
		if (next)
			next.focus();
		event.preventDefault();
	}

	render() {
		const wanted = this.filter.value.toLowerCase();
		const focused = document.activeElement && this.list.contains(document.activeElement) ? document.activeElement.dataset.pid : null;
		const rows = this.rows.filter((row) => `${row.comm} ${row.pid} ${row.cgroup}`.toLowerCase().includes(wanted));
		const lines = rows.map((row) => this.line(row.pid, visibleText(row.comm) || "?", row, visibleText(row.cgroup || "")));
		if (this.root)
			lines.unshift(this.line(0, "the whole host", {cpu_ns: this.total}, `${this.rows.length} processes ran in the last ${this.seconds} s`));
		this.list.replaceChildren(...lines);
		const again = focused !== null && this.list.querySelector(`[data-pid="${focused}"]`);
		if (again)
			again.focus({preventScroll: true});
	}

	line(pid, name, row, under) {
		const cpus = row.cpu_ns / 1e9 / (this.seconds || 1);
		const button = element("button", {"data-pid": pid, "aria-pressed": pid === this.pid, title: under || false, onclick: () => {
			this.pid = pid;
			this.choose(pid, pid ? `${name} (${pid})` : name);
			this.render();
		}}, element("span", {}, name), element("span", {class: "number"}, `${(cpus * 100).toFixed(cpus < 0.1 ? 1 : 0)} %`),
		element("span", {class: "faint"}, pid ? `${pid}${under && under !== "/" ? ` · ${under}` : ""}` : under));
		button.style.setProperty("--share", this.total ? row.cpu_ns / this.total : 0);
		return element("li", {}, button);
	}
}

class FiguresPage {
	constructor() {
		this.tiles = element("div", {class: "tiles"});
		this.body = element("tbody");
		this.element = element("div", {class: "figures-page"}, this.tiles, element("table", {class: "counters"},
			element("thead", {}, element("tr", {}, element("th", {scope: "col"}, "Counter"), element("th", {scope: "col", class: "number"}, "Value"),
				element("th", {scope: "col"}, "What it counts"))), this.body));
	}

	show(status, ownShare) {
		const tile = (text, value) => element("div", {class: "tile"}, element("span", {class: "faint"}, text), element("b", {}, value));
		const losses = status.counters.filter((counter) => counter.loss && counter.value);
		this.tiles.replaceChildren(
			tile("Losses", losses.length ? `${losses.length} ${losses.length > 1 ? "kinds" : "kind"}` : "none"),
			tile("bpfprof's own CPU", ownShare === null ? "–" : `${(ownShare * 100).toFixed(2)} %`),
			tile("Its memory", bytesText(status.own.rss_bytes)), tile("BPF maps", bytesText(status.own.map_bytes)),
			tile("CPU samples", countText(status.samples)), tile("Processes", countText(status.processes)),
			tile("Up", valueText(status.uptime_ms * 1e6, "nanoseconds")));
		// What was lost first, then the rest as it comes.
		const rank = (counter) => counter.value ? (counter.loss ? 0 : 1) : counter.loss ? 2 : 3;
		this.body.replaceChildren(...status.counters.slice().sort((a, b) => rank(a) - rank(b)).map((counter) =>
			element("tr", {class: counter.value ? (counter.loss ? "lost" : "") : "zero"}, element("td", {}, counter.name),
				element("td", {class: "number"}, counter.value.toLocaleString("en")), element("td", {}, counter.text))));
	}
}

class LivePage {
	constructor() {
		this.captures = new Captures();
		this.processes = new ProcessList((pid, name) => this.captures.setTarget(pid, name));
		this.figures = new FiguresPage();
		this.charts = {scheduler: schedCharts(), heap: heapCharts()};
		const charts = (name) => element("div", {class: "charts"}, ...this.charts[name].map((chart) => chart.element));
		this.notes = {scheduler: element("p", {class: "note"}), heap: element("p", {class: "note"})};
		this.heapSelect = element("select", {"aria-label": "Process", hidden: true, onchange: () => this.showCharts()});
		this.heapButton = element("button", {class: "measure", hidden: true, onclick: () => this.measureHeap()});
		this.pages = {
			profiles: element("section", {class: "tab profiles"}, this.processes.element, this.captures.element),
			scheduler: element("section", {class: "tab"}, this.notes.scheduler, charts("scheduler")),
			heap: element("section", {class: "tab"}, element("p", {class: "note"}, this.heapSelect, this.heapButton), this.notes.heap, charts("heap")),
			losses: element("section", {class: "tab"}, this.figures.element),
		};
		this.tabs = document.getElementById("tabs");
		for (const [name, text] of TABS) {
			this.pages[name].id = `page-${name}`;
			this.pages[name].setAttribute("role", "tabpanel");
			this.tabs.append(element("button", {role: "tab", "data-tab": name, "aria-controls": `page-${name}`, onclick: () => this.choose(name)}, text));
		}
		this.tabs.addEventListener("keydown", (event) => this.onTabKey(event));
		document.getElementById("main").replaceChildren(...Object.values(this.pages));
		document.addEventListener("keydown", (event) => this.onKey(event));
		initPage(document.getElementById("theme"), document.getElementById("help"), () => {
			this.captures.viewer.render();
			this.showCharts();
		});
		const wanted = location.hash.slice(1);
		this.choose(this.pages[wanted] ? wanted : "profiles");
	}

	choose(name) {
		this.tab = name;
		for (const button of this.tabs.children) {
			const chosen = button.dataset.tab === name;
			button.setAttribute("aria-selected", chosen);
			button.setAttribute("aria-pressed", chosen);
			button.tabIndex = chosen ? 0 : -1;
			this.pages[button.dataset.tab].hidden = !chosen;
		}
		history.replaceState(null, "", `#${name}`);
		this.captures.viewer.flame.resize();
		this.showCharts();
	}

	onTabKey(event) {
		const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
		if (!step)
			return;
		const names = TABS.map(([name]) => name);
		this.choose(names[(names.indexOf(this.tab) + step + names.length) % names.length]);
		this.tabs.querySelector("[aria-selected=true]").focus();
		event.preventDefault();
	}

	onKey(event) {
		if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
			return;
		const keys = {p: () => this.processes.filter.focus(), r: () => this.captures.toggle(), l: () => this.captures.toggleLive()};
		if (!keys[event.key])
			return;
		this.choose("profiles");
		event.preventDefault();
		keys[event.key]();
	}

	showCharts() {
		if (!this.status)
			return;
		if (this.tab === "scheduler") {
			const sched = this.status.sched || {time_ms: []};
			this.notes.scheduler.textContent = sched.time_ms.length ? "Drag across a chart to zoom, double-click to zoom out." :
				"No SCHED figures: they are off (SIGUSR1 turns them on) or none has been taken yet.";
			this.charts.scheduler.forEach((chart) => chart.show(sched));
		}
		if (this.tab === "heap")
			this.showHeap();
	}

	showHeap() {
		const heaps = this.status.heap || [];
		this.heapSelect.hidden = heaps.length < 2;
		const chosen = heaps.find((heap) => String(heap.pid) === this.heapSelect.value) || heaps[0];
		Viewer.fill(this.heapSelect, heaps.map((heap) => [String(heap.pid), `${visibleText(heap.comm)} (${heap.pid})`]), chosen ? String(chosen.pid) : "");
		this.notes.heap.textContent = chosen ? `Heap of ${visibleText(chosen.comm)} (${chosen.pid}).` :
			"No heap is measured. Choose a process on the first page and measure its heap, or take a Heap capture of it: what it does is drawn here " +
			"until nobody has asked for it in a while (--linger).";
		const {pid, name} = this.captures.target, isMeasured = heaps.some((heap) => heap.pid === pid && isFresh(heap));
		this.heapButton.hidden = !pid || isMeasured;
		this.heapButton.textContent = `Measure the heap of ${name}`;
		// All of them first: each one's width depends on the others.
		for (const chart of this.charts.heap)
			chart.element.hidden = !chosen || Chart.isEmpty(chart, chosen);
		if (chosen)
			this.charts.heap.forEach((chart) => chart.show(chosen));
	}

	// A heap that is asked for is measured for a while.
	async measureHeap() {
		this.heapButton.disabled = true;
		try {
			await fetchText(profilePath({kind: "heap", pid: this.captures.target.pid, seconds: 0}));
		} catch (error) {
			this.notes.heap.textContent = `No heap of ${this.captures.target.name}: ${error.message}`;
		}
		this.heapButton.disabled = false;
	}

	async refresh() {
		const failure = document.getElementById("failure");
		try {
			const [status, processes] = await Promise.all([fetchJson("/api/status"), fetchJson(`/api/processes?seconds=${PROCESS_SECONDS}`)]);
			this.showStatus(status);
			if (!document.hidden)
				this.processes.show(processes, status.root && status.host !== false);
			failure.hidden = true;
		} catch (error) {
			failure.textContent = error.message;
			failure.hidden = false;
		}
		setTimeout(() => this.refresh(), REFRESH_MS);
	}

	showStatus(status) {
		const before = this.status, spent = before ? status.uptime_ms - before.uptime_ms : 0;
		this.ownShare = spent > 0 ? (status.own.cpu_ns - before.own.cpu_ns) / 1e6 / spent : null;
		this.status = status;
		const losses = status.counters.filter((counter) => counter.loss && counter.value).length;
		document.getElementById("status").textContent = [`bpfprof ${status.version}`, `${status.processes} processes`, `${status.cpus} CPUs`,
			`${status.frequency_hz} Hz`, this.ownShare === null ? "" : `own CPU ${(this.ownShare * 100).toFixed(1)} %`, bytesText(status.own.rss_bytes)]
			.filter(Boolean).join(" · ");
		this.tabs.querySelector("[data-tab=losses]").textContent = losses ? `Losses (${losses})` : "Losses";
		if (this.tab === "losses")
			this.figures.show(status, this.ownShare);
		this.showCharts();
	}
}

KEYS.splice(KEYS.length - 2, 0, ["r", "take a capture, or stop it"], ["l", "one capture after the other"], ["p", "find a process"]);
new LivePage().refresh();
