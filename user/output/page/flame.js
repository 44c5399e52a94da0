// SPDX-License-Identifier: GPL-2.0
// The flame graph: one canvas as large as what can be seen, whatever the profile's size, drawn anew when something
// changes. Ours, because what libraries offer is an element a frame, and a profile has 100,000 frames.

const ROW = 19, FONT = 12, ANIMATION_MS = 180;

class FlameGraph {
	// handlers: hover(node, x, y) with node -1 for none, select(node), zoom(node)
	constructor(handlers) {
		this.handlers = handlers;
		this.canvas = element("canvas", {class: "flame-canvas", tabindex: 0, role: "application",
			"aria-label": "Flame graph. Arrow keys move, Enter zooms, Escape zooms out, slash searches."});
		this.content = element("div", {class: "flame-content"}, this.canvas);
		this.box = element("div", {class: "flame-box"}, this.content);
		this.tree = null;
		this.rootUp = false;
		this.zoomed = 0;
		this.selected = -1;
		this.hovered = -1;
		this.dimmed = null;
		this.box.addEventListener("scroll", () => this.draw());
		this.canvas.addEventListener("mousemove", (event) => this.onMove(event));
		this.canvas.addEventListener("mouseleave", () => this.setHovered(-1, 0, 0));
		this.canvas.addEventListener("click", (event) => this.onClick(event));
		this.canvas.addEventListener("keydown", (event) => this.onKey(event));
		new ResizeObserver(() => this.resize()).observe(this.box);
	}

	// fns: the functions by number. Keeps the zoom when the node is still there.
	show(tree, fns, colors, unit) {
		const path = this.tree ? this.pathOf(this.zoomed) : [];
		this.tree = tree;
		this.fns = fns;
		this.colors = colors;
		this.unit = unit;
		this.selected = -1;
		this.hovered = -1;
		this.matches = null;
		this.zoomed = this.findPath(path);
		this.setView(this.viewOf(this.zoomed));
		this.resize();
		this.scrollToRoot();
	}

	nameOf(node) {
		return node === 0 ? "all" : this.fns[this.tree.fn[node]].name;
	}

	pathOf(node) {
		const path = [];
		for (; node > 0; node = this.tree.parent[node])
			path.unshift(this.fns[this.tree.fn[node]]);
		return path;
	}

	findPath(path) {
		let node = 0;
		for (const fn of path) {
			const depth = this.tree.depth[node] + 1;
			const next = (this.tree.rows[depth] || []).find((candidate) =>
				this.tree.parent[candidate] === node && this.fns[this.tree.fn[candidate]].name === fn.name);
			if (next === undefined)
				return 0;
			node = next;
		}
		return node;
	}

	// test: a function of a function, or null. Returns the share's value: what is in samples with a match.
	search(test) {
		this.matches = null;
		if (!test || !this.tree) {
			this.draw();
			return 0;
		}
		const tree = this.tree, hits = this.fns.map((fn) => Boolean(test(fn)));
		const inside = new Uint8Array(tree.parent.length);
		const matches = new Uint8Array(tree.parent.length);
		let sum = 0;
		for (let node = 1; node < tree.parent.length; node++) {
			matches[node] = hits[tree.fn[node]] ? 1 : 0;
			inside[node] = inside[tree.parent[node]] | matches[node];
			if (matches[node] && !inside[tree.parent[node]])
				sum += tree.compared ? tree.total[0][node] : tree.weight[node];
		}
		this.matches = matches;
		this.draw();
		return sum;
	}

	// Nodes whose function does not pass are drawn pale; null: none.
	dim(test) {
		this.dimmed = test && this.fns.map((fn) => !test(fn));
		this.draw();
	}

	viewOf(node) {
		return {x: this.tree.x[node], width: this.tree.weight[node] || 1};
	}

	setView(view) {
		cancelAnimationFrame(this.animation);
		this.view = view;
	}

	zoom(node, quiet) {
		const from = this.view, to = this.viewOf(node), start = performance.now();
		this.zoomed = node;
		if (!quiet)
			this.handlers.zoom(node);
		this.resize();
		if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
			this.setView(to);
			this.draw();
			return;
		}
		const step = (now) => {
			const t = Math.min(1, (now - start) / ANIMATION_MS), eased = 1 - (1 - t) ** 3;
			this.setView({x: from.x + (to.x - from.x) * eased, width: from.width + (to.width - from.width) * eased});
			this.draw();
			if (t < 1)
				this.animation = requestAnimationFrame(step);
		};
		step(start);
	}

	select(node, quiet) {
		this.selected = node;
		if (!quiet)
			this.handlers.select(node);
		this.reveal(node);
		this.draw();
	}

	setRootUp(rootUp) {
		this.rootUp = rootUp;
		this.scrollToRoot();
		this.draw();
	}

	get rowCount() {
		return this.tree ? this.tree.rows.length : 0;
	}

	get contentHeight() {
		return this.rowCount * ROW + 4;
	}

	resize() {
		const width = this.box.clientWidth, height = this.box.clientHeight, ratio = devicePixelRatio || 1;
		this.content.style.height = `${Math.max(this.contentHeight, height)}px`;
		this.canvas.style.width = `${width}px`;
		this.canvas.style.height = `${height}px`;
		if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
			this.canvas.width = Math.round(width * ratio);
			this.canvas.height = Math.round(height * ratio);
		}
		this.draw();
	}

	scrollToRoot() {
		this.box.scrollTop = this.rootUp ? this.contentHeight : 0;
	}

	// The top of a depth's row in the canvas.
	rowTop(depth) {
		const row = this.rootUp ? Math.max(this.contentHeight, this.box.clientHeight) - 2 - (depth + 1) * ROW : 2 + depth * ROW;
		return row - this.box.scrollTop;
	}

	reveal(node) {
		if (node < 0)
			return;
		const top = this.rowTop(this.tree.depth[node]);
		if (top < 0)
			this.box.scrollTop += top - ROW;
		else if (top + ROW > this.box.clientHeight)
			this.box.scrollTop += top + 2 * ROW - this.box.clientHeight;
	}

	left(value) {
		return (value - this.view.x) / this.view.width * this.box.clientWidth;
	}

	// The first node of a row whose right edge lies right of value.
	firstRightOf(row, value) {
		let low = 0, high = row.length;
		while (low < high) {
			const middle = low + high >> 1, node = row[middle];
			if (this.tree.x[node] + this.tree.weight[node] > value)
				high = middle;
			else
				low = middle + 1;
		}
		return low;
	}

	// What is drawn now and has a name: [{node, name, x, y, width, height}] in pixels of the canvas.
	frames() {
		const frames = [];
		for (let depth = 0; depth < this.rowCount; depth++)
			this.eachInRow(depth, (node, x, y, width) => {
				if (node >= 0)
					frames.push({node, name: this.nameOf(node), x, y, width, height: ROW - 1});
			});
		return frames;
	}

	// Frames narrower than half a pixel are one with their neighbours: node is -1 for these.
	eachInRow(depth, each) {
		const y = this.rowTop(depth), row = this.tree.rows[depth], width = this.box.clientWidth;
		if (y + ROW < 0 || y > this.box.clientHeight)
			return;
		let crowdStart = -1, crowdEnd = -1;
		const flush = () => {
			if (crowdStart >= 0)
				each(-1, crowdStart, y, Math.max(1, crowdEnd - crowdStart));
			crowdStart = -1;
		};
		for (let i = this.firstRightOf(row, this.view.x); i < row.length; i++) {
			const node = row[i];
			const from = this.left(this.tree.x[node]), to = this.left(this.tree.x[node] + this.tree.weight[node]);
			if (from >= width)
				break;
			if (to - from < 0.5) {
				if (crowdStart < 0 || from > crowdEnd + 1) {
					flush();
					crowdStart = from;
				}
				crowdEnd = to;
				continue;
			}
			flush();
			const x = Math.max(0, from);
			each(node, x, y, Math.min(width, to) - x);
		}
		flush();
	}

	colorOf(node) {
		const tree = this.tree;
		if (tree.compared)
			return this.colors.ofChange(tree.total[0][node], tree.total[1][node],
				Math.max(tree.total[0][0], tree.total[1][0]));
		return node === 0 ? this.colors.color(220, 8, 4) : this.colors.ofFunction(this.fns[tree.fn[node]]);
	}

	draw() {
		if (!this.tree || !this.box.clientWidth)
			return;
		const context = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
		const ratio = devicePixelRatio || 1;
		this.ink = style.getPropertyValue("--frame-ink");
		this.match = style.getPropertyValue("--match");
		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		context.clearRect(0, 0, this.box.clientWidth, this.box.clientHeight);
		context.font = `${FONT}px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace`;
		context.textBaseline = "middle";
		this.charWidth = context.measureText("MMMMMMMMMM").width / 10;
		for (let depth = 0; depth < this.rowCount; depth++)
			this.eachInRow(depth, (node, x, y, width) => this.drawFrame(context, node, x, y, width));
		this.outline(context, this.hovered, 1.5);
		this.outline(context, this.selected, 2);
	}

	drawFrame(context, node, x, y, width) {
		const match = this.matches && node > 0 && this.matches[node];
		const pale = node >= 0 && (this.isPale(node) || (this.matches && !match));
		context.globalAlpha = pale ? 0.4 : 1;
		context.fillStyle = match ? this.match : node < 0 ? this.colors.color(220, 8, 0) : this.colorOf(node);
		context.fillRect(x, y, width > 2 ? width - 1 : width, ROW - 1);
		if (node >= 0 && width > 3 * this.charWidth) {
			context.fillStyle = this.ink;
			this.drawName(context, this.nameOf(node), x + 4, y + ROW / 2 - 0.5, width - 8);
		}
		context.globalAlpha = 1;
	}

	// Ancestors of the zoomed frame, and what the legend dims.
	isPale(node) {
		const fn = this.tree.fn[node];
		return node < this.zoomed && this.tree.depth[node] < this.tree.depth[this.zoomed] ||
			Boolean(this.dimmed && fn >= 0 && this.dimmed[fn]);
	}

	drawName(context, name, x, y, width) {
		const room = Math.floor(width / this.charWidth);
		if (room < 2)
			return;
		let text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
		if (/[^\x20-\x7e…]/.test(text)) // wider than the font's other characters
			while (text.length > 2 && context.measureText(text).width > width)
				text = `${text.slice(0, -2)}…`;
		context.fillText(text, x, y);
	}

	outline(context, node, lineWidth) {
		if (node < 0)
			return;
		const x = Math.max(0, this.left(this.tree.x[node]));
		const right = Math.min(this.box.clientWidth, this.left(this.tree.x[node] + this.tree.weight[node]));
		if (right <= x - 1)
			return;
		context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
		context.lineWidth = lineWidth;
		context.strokeRect(x + 0.5, this.rowTop(this.tree.depth[node]) + 0.5, Math.max(1, right - x - 2), ROW - 2);
	}

	nodeAt(x, y) {
		if (!this.tree)
			return -1;
		const top = this.rowTop(0);
		const depth = this.rootUp ? Math.floor((top + ROW - y) / ROW) : Math.floor((y - top) / ROW);
		const row = this.tree.rows[depth];
		if (!row)
			return -1;
		const value = this.view.x + x / this.box.clientWidth * this.view.width;
		const node = row[this.firstRightOf(row, value)];
		return node !== undefined && this.tree.x[node] <= value ? node : -1;
	}

	onMove(event) {
		this.setHovered(this.nodeAt(event.offsetX, event.offsetY), event.clientX, event.clientY);
	}

	setHovered(node, x, y) {
		const changed = node !== this.hovered;
		this.hovered = node;
		this.canvas.style.cursor = node >= 0 ? "pointer" : "default";
		this.handlers.hover(node, x, y);
		if (changed)
			this.draw();
	}

	onClick(event) {
		const node = this.nodeAt(event.offsetX, event.offsetY);
		this.canvas.focus({preventScroll: true});
		if (node < 0)
			return;
		this.select(node);
		this.zoom(node);
	}

	neighbour(node, step) {
		const row = this.tree.rows[this.tree.depth[node]];
		const next = row[row.indexOf(node) + step];
		return next === undefined ? node : next;
	}

	onKey(event) {
		if (!this.tree || event.ctrlKey || event.metaKey || event.altKey)
			return;
		const now = this.selected < 0 ? this.zoomed : this.selected;
		const deeper = this.rootUp ? "ArrowUp" : "ArrowDown", back = this.rootUp ? "ArrowDown" : "ArrowUp";
		let node = -1;
		if (event.key === deeper)
			node = this.selected < 0 ? this.zoomed : (this.tree.rows[this.tree.depth[now] + 1] || []).find((child) => this.tree.parent[child] === now);
		else if (event.key === back)
			node = Math.max(0, this.tree.parent[now]);
		else if (event.key === "ArrowLeft" || event.key === "ArrowRight")
			node = this.neighbour(now, event.key === "ArrowLeft" ? -1 : 1);
		else if (event.key === "Home")
			node = 0;
		else if (event.key === "Enter" || event.key === " ")
			this.zoom(now);
		else
			return;
		event.preventDefault();
		if (node !== undefined && node >= 0) {
			if (!this.isShown(node))
				this.zoom(this.tree.parent[node] < 0 ? 0 : this.tree.parent[node]);
			this.select(node);
		}
	}

	isShown(node) {
		return this.left(this.tree.x[node]) > -1 && this.left(this.tree.x[node] + this.tree.weight[node]) < this.box.clientWidth + 1 ||
			this.tree.isAbove(node, this.zoomed);
	}
}
