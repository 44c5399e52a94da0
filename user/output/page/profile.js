// SPDX-License-Identifier: GPL-2.0
// A profile as user/output/profile_json.h describes it, checked, in typed arrays.

// What samples are filtered and grouped by; those after cgroup are in some profiles only.
const LABELS = ["process", "thread", "cgroup", "state", "began", "waiter", "delayed_by"];
const KERNEL = 1, INLINED = 2, WORD = 4;

function integers(list, below, what) {
	if (!Array.isArray(list))
		throw new Error(`${what} is missing`);
	const array = Int32Array.from(list);
	for (let i = 0; i < array.length; i++)
		if (!(array[i] >= 0 && array[i] < below))
			throw new Error(`${what} ${i} is out of range`);
	return array;
}

class Profile {
	// Throws an Error that tells what is wrong with json.
	constructor(json) {
		if (!json || !json.bpfprof || !Array.isArray(json.strings))
			throw new Error("not a profile of bpfprof");
		const strings = json.strings.map((text) => visibleText(String(text)));
		const functions = json.functions, nodes = json.nodes, samples = json.samples;
		this.kind = String(json.kind);
		this.types = json.sample_types.map((type) => ({type: String(type.type), unit: String(type.unit)}));
		this.defaultType = Math.min(Number(json.default_type) || 0, this.types.length - 1);
		this.period = Number(json.period) || 0;
		this.periodType = json.period_type;
		this.timeMs = (Number(json.time_nanos) || 0) / 1e6;
		this.durationNs = Number(json.duration_nanos) || 0;
		this.comments = (json.comments || []).map((text) => visibleText(String(text)));
		// What has to be seen at once: why there is less in it than there was.
		this.remarks = this.comments.filter((text) => text.startsWith(`${this.kind}: `));
		const word = (list, what) => integers(list, strings.length, what);
		const name = word(functions.name, "function's name"), file = word(functions.file, "function's file");
		const mapping = word(functions.mapping, "function's mapping");
		this.functions = Array.from(name, (_, i) => ({
			name: strings[name[i]], file: strings[file[i]], mapping: strings[mapping[i]],
			line: functions.line[i] || 0, flags: functions.flags[i] || 0}));
		this.nodeFunction = integers(nodes.function, this.functions.length, "node's function");
		this.nodeParent = Int32Array.from(nodes.parent);
		if (this.nodeParent.length !== this.nodeFunction.length || this.nodeParent.some((parent, i) => parent >= i || parent < -1))
			throw new Error("its tree is damaged");
		this.sampleNode = integers(samples.node, this.nodeParent.length, "sample's node");
		this.samplePid = Float64Array.from(samples.pid);
		this.strings = strings;
		this.labelCache = {};
		this.sampleComm = word(samples.comm, "comm");
		this.sampleThread = word(samples.thread, "thread");
		this.sampleCgroup = word(samples.cgroup, "cgroup");
		this.sampleLabels = Object.fromEntries(LABELS.filter((name) => samples.labels && samples.labels[name])
			.map((name) => [name, word(samples.labels[name], name)]));
		this.values = samples.values.map((list) => Float64Array.from(list));
		for (const list of [this.samplePid, this.sampleComm, this.sampleThread, this.sampleCgroup, ...Object.values(this.sampleLabels), ...this.values])
			if (list.length !== this.sampleNode.length)
				throw new Error("its samples are damaged");
		if (!this.types.length || this.values.length !== this.types.length)
			throw new Error("its sample types are damaged");
	}

	static parse(text) {
		return new Profile(JSON.parse(text));
	}

	// What can be filtered by: {texts, ids}, the label's values and which of them each sample has.
	labels(name) {
		if (this.labelCache[name])
			return this.labelCache[name];
		const numbers = new Map(), texts = [], ids = new Int32Array(this.sampleNode.length);
		for (let i = 0; i < ids.length; i++) {
			const text = this.labelText(name, i);
			if (!numbers.has(text))
				numbers.set(text, texts.push(text) - 1);
			ids[i] = numbers.get(text);
		}
		return this.labelCache[name] = {texts, ids};
	}

	labelText(name, sample) {
		switch (name) {
		case "process":
			return `${this.strings[this.sampleComm[sample]] || "?"} (${this.samplePid[sample]})`;
		case "thread":
			return this.strings[this.sampleThread[sample]] || "?";
		case "cgroup":
			return this.strings[this.sampleCgroup[sample]] || "?";
		default:
			return this.sampleLabels[name] ? this.strings[this.sampleLabels[name][sample]] || "none" : "none";
		}
	}

	total(type) {
		return this.values[type].reduce((sum, value) => sum + value, 0);
	}

	// Which type is called so; the default one when none is.
	typeIndex(name) {
		const index = this.types.findIndex((type) => type.type === name);
		return index < 0 ? this.defaultType : index;
	}

	title() {
		const {texts} = this.labels("process");
		return !texts.length ? "nothing: no samples" : texts.length < 4 ? texts.join(", ") : `${texts.length} processes`;
	}
}


// The values of a label with their sums, largest first.
function labelValues(profile, label, type) {
	const {texts, ids} = profile.labels(label);
	const sums = new Float64Array(texts.length);
	for (let i = 0; i < ids.length; i++)
		sums[ids[i]] += Math.abs(profile.values[type][i]);
	return texts.map((text, i) => [text, sums[i]]).sort((a, b) => b[1] - a[1]);
}

// The numbers of the samples that a filter {process, thread, cgroup} lets through.
function filterSamples(profile, filter) {
	const tests = LABELS.filter((label) => filter[label] !== undefined).map((label) => {
		const {texts, ids} = profile.labels(label);
		return [ids, texts.indexOf(filter[label])];
	});
	const samples = [];
	for (let i = 0; i < profile.sampleNode.length; i++)
		if (tests.every(([ids, id]) => ids[i] === id))
			samples.push(i);
	return samples;
}
