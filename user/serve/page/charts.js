// SPDX-License-Identifier: GPL-2.0
// Charts of what the daemon remembers, by dygraphs: drag to zoom, double-click to zoom out, all with one time axis.

// Its legend writes markup and inline styles; ours below does neither.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

const CHART_COLORS = {light: ["#1a66c9", "#c2410c", "#15803d", "#8b5cf6"], dark: ["#6fb0ff", "#ff9a5c", "#5fd38a", "#b79bff"]};

class Chart {
	// series: [[name, value(column values of one point)]]; format: of a value; options: of Dygraph
	constructor(title, series, format, options = {}) {
		Object.assign(this, {title, series, format, options});
		this.legend = element("div", {class: "series"});
		this.plot = element("div", {class: "plot"});
		this.element = element("section", {class: "chart", "aria-label": title}, element("h2", {}, title), this.legend, this.plot);
		this.rows = [];
		// Shown for the first time, or of another width: a canvas does not follow by itself.
		new ResizeObserver(() => this.draw()).observe(this.plot);
	}

	// columns: {time_ms: [...], ...}
	show(columns) {
		const count = columns.time_ms.length;
		this.rows = [];
		for (let i = 0; i < count; i++) {
			const point = {};
			for (const name of Object.keys(columns))
				point[name] = columns[name][i];
			this.rows.push([new Date(point.time_ms), ...this.series.map(([, value]) => value(point))]);
		}
		if (this.plot.clientWidth && this.graph && this.dark === isDark())
			this.graph.updateOptions({file: this.rows});
		this.draw();
		this.showValues(this.hovered === undefined ? count - 1 : Math.min(this.hovered, count - 1));
	}

	draw() {
		if (!this.plot.clientWidth || !this.rows.length)
			return;
		if (!this.graph || this.dark !== isDark())
			this.create();
		else
			this.graph.resize();
	}

	// Nothing to draw in any of these columns.
	static isEmpty(chart, columns) {
		return columns.time_ms.every((time, i) => {
			const point = Object.fromEntries(Object.keys(columns).map((name) => [name, columns[name][i]]));
			return chart.series.every(([, value]) => value(point) === null);
		});
	}

	create() {
		if (this.graph)
			this.graph.destroy();
		this.dark = isDark();
		const style = getComputedStyle(document.documentElement), line = style.getPropertyValue("--line");
		this.colors = CHART_COLORS[this.dark ? "dark" : "light"].slice(0, this.series.length);
		this.graph = new Dygraph(this.plot, this.rows, {
			labels: ["time", ...this.series.map(([name]) => name)], colors: this.colors, strokeWidth: 1.6, includeZero: true,
			gridLineColor: line, axisLineColor: line, gridLineWidth: 1, highlightCircleSize: 3, animatedZooms: false,
			xRangePad: 4, yRangePad: 4, axes: {y: {axisLabelWidth: 62, axisLabelFormatter: (value) => this.format(value)}},
			highlightCallback: (event, x, points, row) => {
				this.hovered = row;
				this.showValues(row);
			},
			unhighlightCallback: () => {
				this.hovered = undefined;
				this.showValues(this.rows.length - 1);
			}, ...this.options});
	}

	showValues(index) {
		const row = this.rows[index];
		if (!row)
			return;
		this.legend.replaceChildren(...this.series.map(([name], i) => {
			const mark = element("i", {"aria-hidden": true});
			mark.style.background = this.colors ? this.colors[i] : "";
			return element("span", {}, mark, `${name} `, element("b", {}, row[i + 1] === null ? "–" : this.format(row[i + 1])));
		}), element("span", {class: "faint"}, row[0].toLocaleTimeString("en-GB")));
	}
}

const countText = (value) => valueText(Math.abs(value) >= 100 ? Math.round(value) : value, "count");
const microsText = (value) => valueText(value * 1000, "nanoseconds");
const bytesText = (value) => valueText(value, "bytes");
const perSecond = (name) => (point) => point.interval_ms ? point[name] * 1000 / point.interval_ms : null;
// On a logarithmic axis nothing stands for 0.
const positive = (name) => (point) => point[name] || null;

// A logarithmic axis has a line at each power of ten.
function decades(min, max, format) {
	const ticks = [];
	for (let power = Math.ceil(Math.log10(min)); power <= Math.log10(max); power++)
		ticks.push({v: 10 ** power, label: format(10 ** power)});
	return ticks;
}

function schedCharts() {
	return [
		new Chart("Threads that wait for a CPU, and idle CPUs", [["waiting", (p) => p.runqueue], ["idle CPUs", (p) => p.idlecpus]], countText,
			{stepPlot: true, fillGraph: true}),
		new Chart("How long they waited", [["p50", positive("wait_p50_us")], ["p99", positive("wait_p99_us")], ["max", positive("wait_max_us")]],
			microsText, {logscale: true, includeZero: false,
				axes: {y: {axisLabelWidth: 62, ticker: (min, max) => decades(min, max, microsText)}}}),
		new Chart("Context switches a second", [["switches", perSecond("switches")]], countText, {fillGraph: true}),
		new Chart("Threads", [["all", (p) => p.threads], ["ran", (p) => p.threads - p.idlethreads], ["yielded", (p) => p.spinningthreads]], countText),
	];
}

// It is measured now: its last point is not much older than its points lie apart.
function isFresh(columns) {
	const last = columns.time_ms.length - 1;
	return last >= 0 && Date.now() - columns.time_ms[last] < 3000 + 2 * columns.interval_ms[last];
}

function heapCharts() {
	return [
		new Chart("Heap", [["in use", (p) => p.end_bytes], ["peak", (p) => p.peak_bytes], ["RSS", (p) => p.rss_bytes], ["limit", positive("limit_bytes")]],
			bytesText, {labelsKMG2: true}),
		new Chart("Allocated a second", [["allocated", perSecond("allocated_bytes")]], bytesText, {fillGraph: true, labelsKMG2: true}),
		new Chart("Operations a second", [["allocations", perSecond("allocs")], ["frees", perSecond("frees")]], countText),
		new Chart("CPU time inside the allocator", [["share", (p) => p.cpu_percent < 0 ? null : p.cpu_percent]], (value) => `${value.toFixed(1)} %`, {fillGraph: true}),
	];
}
