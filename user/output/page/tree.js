// SPDX-License-Identifier: GPL-2.0
// Trees of calls and tables of functions, of one profile or of two that are compared.

// The functions of several profiles, equal ones once: by name and file name of the binary, so that two builds of a
// program compare, and its two functions of one name in two libraries stay two.
class FunctionTable {
	constructor(profiles) {
		this.list = [];
		this.byKey = new Map();
		this.of = new Map(profiles.map((profile) => [profile, Int32Array.from(profile.functions, (f) => this.add(f))]));
	}

	add(f) {
		const key = `${f.flags & ~INLINED}\0${f.name}\0${baseName(f.mapping)}`;
		let id = this.byKey.get(key);
		if (id === undefined) {
			id = this.list.length;
			this.byKey.set(key, id);
			this.list.push({...f, id, module: moduleOf(f)});
		} else if (!(f.flags & INLINED)) {
			this.list[id].flags &= ~INLINED;
		}
		return id;
	}
}

function moduleOf(f) {
	return f.flags & WORD ? "" : f.flags & KERNEL ? (f.mapping && f.mapping !== "[kernel.kallsyms]" ? f.mapping : "kernel") : baseName(f.mapping);
}

class Tree {
	constructor() {
		this.parent = [-1];
		this.fn = [-1];
		this.self = [[0], [0]]; // of the profile; of its base
		this.children = new Map();
	}

	child(parent, fn) {
		const key = parent * 4194304 + fn;
		let node = this.children.get(key);
		if (node === undefined) {
			node = this.parent.length;
			this.children.set(key, node);
			this.parent.push(parent);
			this.fn.push(fn);
			this.self[0].push(0);
			this.self[1].push(0);
		}
		return node;
	}

	// Adds the samples of a profile. which: 0 the profile, 1 its base. groups: a function's number a sample, or null.
	addDown(profile, fns, samples, values, scale, which, focus, groups) {
		const stamp = new Int32Array(profile.nodeParent.length), known = new Int32Array(profile.nodeParent.length);
		const order = groups ? samples.slice().sort((a, b) => groups[a] - groups[b]) : samples;
		const path = [];
		let round = 0, group = -2;
		for (const sample of order) {
			const now = groups ? groups[sample] : -1;
			if (now !== group) {
				group = now;
				round++;
			}
			let node = profile.sampleNode[sample];
			while (node >= 0 && stamp[node] !== round) {
				path.push(node);
				node = profile.nodeParent[node];
			}
			let at = node >= 0 ? known[node] : focus >= 0 ? -1 : this.groupNode(group);
			while (path.length) {
				node = path.pop();
				const fn = fns[profile.nodeFunction[node]];
				if (at >= 0)
					at = this.child(at, fn);
				else if (fn === focus)
					at = this.child(this.groupNode(group), fn);
				stamp[node] = round;
				known[node] = at;
			}
			if (at >= 0)
				this.self[which][at] += values[sample] * scale;
		}
	}

	addUp(profile, fns, samples, values, scale, which, focus, groups) {
		for (const sample of samples) {
			let node = profile.sampleNode[sample];
			while (focus >= 0 && node >= 0 && fns[profile.nodeFunction[node]] !== focus)
				node = profile.nodeParent[node];
			if (node < 0)
				continue;
			let at = this.groupNode(groups ? groups[sample] : -1);
			for (; node >= 0; node = profile.nodeParent[node])
				at = this.child(at, fns[profile.nodeFunction[node]]);
			this.self[which][at] += values[sample] * scale;
		}
	}

	groupNode(group) {
		return group < 0 ? 0 : this.child(0, group);
	}

	// Sums, depths and places: rows[depth] are the nodes of a depth from left to right; a node lies at
	// [x, x + weight) of the root's weight. With a base a node is as wide as the larger of both.
	finish(compared) {
		const count = this.parent.length;
		this.compared = compared;
		this.total = [Float64Array.from(this.self[0]), Float64Array.from(this.self[1])];
		this.weight = new Float64Array(count);
		for (let i = 0; i < count; i++)
			this.weight[i] = compared ? Math.max(this.self[0][i], this.self[1][i], 0) : Math.abs(this.self[0][i]);
		const firstChild = new Int32Array(count).fill(-1), next = new Int32Array(count).fill(-1);
		for (let i = count - 1; i > 0; i--) {
			const parent = this.parent[i];
			this.total[0][parent] += this.total[0][i];
			this.total[1][parent] += this.total[1][i];
			this.weight[parent] += this.weight[i];
			next[i] = firstChild[parent];
			firstChild[parent] = i;
		}
		this.x = new Float64Array(count);
		this.depth = new Int32Array(count);
		this.rows = [[0]];
		for (let depth = 0; this.rows[depth].length; depth++) {
			const row = [];
			for (const node of this.rows[depth]) {
				const children = [];
				for (let child = firstChild[node]; child >= 0; child = next[child])
					if (this.weight[child])
						children.push(child);
				children.sort((a, b) => this.weight[b] - this.weight[a] || this.fn[a] - this.fn[b]);
				let x = this.x[node];
				for (const child of children) {
					this.x[child] = x;
					this.depth[child] = depth + 1;
					x += this.weight[child];
					row.push(child);
				}
			}
			this.rows.push(row);
		}
		this.rows.pop();
		this.children = null;
		return this;
	}

	isAbove(ancestor, node) {
		while (node > ancestor)
			node = this.parent[node];
		return node === ancestor;
	}
}

// request: {profile, base, scale (of the base), type, filter, group, inverted, focus (a function or null), table}
function buildTree(request) {
	const tree = new Tree();
	const add = request.inverted ? tree.addUp : tree.addDown;
	for (const [which, profile] of [request.profile, request.base].entries()) {
		if (!profile)
			continue;
		const samples = filterSamples(profile, request.filter);
		const values = profile.values[profile.typeIndex(request.type)];
		let groups = null;
		if (request.group !== "none") {
			const {texts, ids} = profile.labels(request.group);
			const made = texts.map((name) =>
				request.table.add({name, file: "", mapping: request.group, line: 0, flags: WORD}));
			groups = Int32Array.from(ids, (id) => made[id]);
		}
		add.call(tree, profile, request.table.of.get(profile), samples, values, which ? request.scale : 1, which,
			request.focus, groups);
	}
	return tree.finish(Boolean(request.base));
}

// What each function did itself (flat) and with what it called (cum; recursion counts once):
// [{fn, flat: [profile's, base's], cum: [...]}].
function buildTable(request) {
	const rows = [];
	const row = (fn) => rows[fn] || (rows[fn] = {fn, flat: [0, 0], cum: [0, 0]});
	for (const [which, profile] of [request.profile, request.base].entries()) {
		if (!profile)
			continue;
		const fns = request.table.of.get(profile), parent = profile.nodeParent;
		const values = profile.values[profile.typeIndex(request.type)], scale = which ? request.scale : 1;
		const sums = new Float64Array(parent.length), met = new Uint8Array(parent.length);
		for (const sample of filterSamples(profile, request.filter)) {
			const node = profile.sampleNode[sample];
			sums[node] += values[sample] * scale;
			met[node] = 1;
			row(fns[profile.nodeFunction[node]]).flat[which] += values[sample] * scale;
		}
		for (let node = parent.length - 1; node > 0; node--)
			if (met[node] && parent[node] >= 0) {
				sums[parent[node]] += sums[node];
				met[parent[node]] = 1;
			}
		for (let node = 0; node < parent.length; node++) {
			if (!met[node])
				continue;
			const fn = fns[profile.nodeFunction[node]];
			let above = parent[node];
			while (above >= 0 && fns[profile.nodeFunction[above]] !== fn)
				above = parent[above];
			if (above < 0)
				row(fn).cum[which] += sums[node];
		}
	}
	return rows.filter(Boolean);
}
