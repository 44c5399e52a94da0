// SPDX-License-Identifier: GPL-2.0
// Reads a capture from a file: one of these pages, its JSON, or pprof's profile.pb.gz of any program
// (github.com/google/pprof/proto/profile.proto has the fields).

class Protobuf {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	// A 64-bit number as [high, low] halves.
	halves() {
		let low = 0, high = 0;
		for (let shift = 0; ; shift += 7) {
			if (this.at >= this.bytes.length || shift > 63)
				throw new Error("its protobuf is damaged");
			const byte = this.bytes[this.at++], bits = byte & 0x7f;
			if (shift < 28) {
				low = (low | bits << shift) >>> 0;
			} else if (shift === 28) {
				low = (low | bits << 28) >>> 0;
				high = bits >>> 4;
			} else {
				high = (high | bits << shift - 32) >>> 0;
			}
			if (byte < 0x80)
				return [high, low];
		}
	}

	int() {
		const [high, low] = this.halves();
		return (high | 0) * 4294967296 + low;
	}

	*fields() {
		while (this.at < this.bytes.length) {
			const tag = this.int(), wire = tag & 7;
			if (wire === 0) {
				yield [tag >>> 3, null];
			} else if (wire === 2) {
				const bytes = this.int();
				if (!(bytes >= 0 && this.at + bytes <= this.bytes.length))
					throw new Error("its protobuf is damaged");
				const end = this.at + bytes;
				yield [tag >>> 3, this.bytes.subarray(this.at, end)];
				this.at = end;
			} else if (wire === 1 || wire === 5) {
				this.at += wire === 1 ? 8 : 4;
			} else {
				throw new Error("its protobuf is damaged");
			}
		}
	}

	// {field: number or bytes}; those in lists are arrays of numbers, packed or not; each is called for every one.
	static message(bytes, lists, each) {
		const reader = new Protobuf(bytes), message = {};
		for (const field of lists)
			message[field] = [];
		for (const [field, part] of reader.fields()) {
			if (lists.includes(field)) {
				const list = part ? new Protobuf(part) : null;
				while (list && list.at < part.length)
					message[field].push(list.int());
				if (!list)
					message[field].push(reader.int());
			} else if (part && each && each[field]) {
				each[field](part);
			} else {
				message[field] = part || reader.halves();
			}
		}
		return message;
	}
}

const number = (halves) => halves ? (halves[0] | 0) * 4294967296 + halves[1] : 0;

function hexOf(halves) {
	const [high, low] = halves || [0, 0];
	return high ? high.toString(16) + low.toString(16).padStart(8, "0") : low.toString(16);
}

class PprofReader {
	constructor(bytes) {
		this.strings = [];
		this.samples = [];
		this.types = [];
		this.mappings = new Map();
		this.locations = new Map();
		this.functions = new Map();
		this.periodType = [0, 0];
		const text = new TextDecoder(), message = Protobuf.message;
		this.profile = message(bytes, [13], {
			1: (part) => this.types.push(this.valueType(part)),
			2: (part) => {
				const sample = {labels: []};
				const read = message(part, [1, 2], {3: (label) => sample.labels.push(message(label, []))});
				this.samples.push(Object.assign(sample, {locations: read[1], values: read[2]}));
			},
			3: (part) => this.addTo(this.mappings, message(part, [])),
			4: (part) => {
				const lines = [];
				const location = message(part, [], {4: (line) => lines.push(message(line, []))});
				location.lines = lines;
				this.addTo(this.locations, location);
			},
			5: (part) => this.addTo(this.functions, message(part, [])),
			6: (part) => this.strings.push(text.decode(part)),
			11: (part) => this.periodType = this.valueType(part),
		});
		if (!this.types.length || !this.strings.length)
			throw new Error("it is no profile");
	}

	addTo(map, message) {
		map.set(number(message[1]), message);
	}

	valueType(part) {
		const type = Protobuf.message(part, []);
		return [number(type[1]), number(type[2])];
	}

	string(halves) {
		return this.strings[number(halves)] || "";
	}

	mappingOf(location) {
		const mapping = this.mappings.get(number(location[2]));
		return mapping ? this.string(mapping[5]) : "";
	}

	// [name, file, line, inlined] of a location's functions, root first.
	linesOf(location) {
		if (!location)
			return [["[unresolved]", "", 0, false]];
		if (!location.lines.length)
			return [[`[${baseName(this.mappingOf(location)) || "?"}+0x${hexOf(location[3])}]`, "", 0, false]];
		return location.lines.map((line, i) => {
			const fn = this.functions.get(number(line[1])) || {};
			return [this.string(fn[2]) || this.string(fn[3]) || "?", this.string(fn[4]), number(fn[5]),
				i + 1 < location.lines.length];
		}).reverse();
	}

	// The JSON of user/output/profile_json.h.
	json() {
		const strings = new Map(), functions = new Map(), children = new Map();
		const add = (map, key, make) => {
			if (!map.has(key))
				map.set(key, make ? make(map.size) : map.size);
			return map.get(key);
		};
		const string = (text) => add(strings, text);
		const columns = (...names) => Object.fromEntries(names.map((name) => [name, []]));
		const out = columns("name", "file", "mapping", "line", "flags"), nodes = columns("parent", "function");
		const samples = columns("node", "pid", "comm", "thread", "cgroup");
		const values = this.types.map(() => []);
		string("");
		const functionOf = (name, file, line, mapping, inlined) => {
			const flags = (/^\[(kernel|guest\.kernel)|^\[(?!vdso|vsyscall|heap|stack)\w+\]$/.test(mapping) ? KERNEL : 0) |
				(inlined ? INLINED : 0) | (/^\[(lost|truncated|unresolved)\]$/.test(name) ? WORD : 0);
			return add(functions, `${flags}\0${name}\0${mapping}\0${file}`, (id) => {
				out.name.push(string(name));
				out.file.push(string(file));
				out.mapping.push(string(mapping));
				out.line.push(line);
				out.flags.push(flags);
				return id;
			});
		};
		const linesCache = new Map();
		const functionsOf = (id) => add(linesCache, id, () => {
			const location = this.locations.get(id);
			const mapping = location ? this.mappingOf(location) : "";
			return this.linesOf(location).map(([name, file, line, inlined]) => functionOf(name, file, line, mapping, inlined));
		});
		for (const sample of this.samples) {
			let node = -1;
			for (const id of (sample.locations.length ? sample.locations : [-1]).slice().reverse())
				for (const fn of functionsOf(id)) {
					const parent = node;
					node = add(children, `${parent},${fn}`, (made) => {
						nodes.parent.push(parent);
						nodes.function.push(fn);
						return made;
					});
				}
			const labels = {};
			for (const label of sample.labels)
				labels[this.string(label[1])] = label[2] ? this.string(label[2]) : number(label[3]);
			samples.node.push(node);
			samples.pid.push(Number(labels.pid) || 0);
			for (const name of ["comm", "thread", "cgroup"])
				samples[name].push(string(String(labels[name] || "")));
			values.forEach((list, i) => list.push(sample.values[i] || 0));
		}
		const type = ([name, unit]) => ({type: this.strings[name] || "", unit: this.strings[unit] || ""});
		const types = this.types.map(type), wanted = this.string(this.profile[14]);
		const found = types.findIndex((candidate) => candidate.type === wanted);
		return {bpfprof: "pprof", kind: type(this.periodType).type || "profile", sample_types: types,
			default_type: found < 0 ? types.length - 1 : found, period_type: type(this.periodType),
			period: number(this.profile[12]), time_nanos: number(this.profile[9]),
			duration_nanos: number(this.profile[10]),
			comments: this.profile[13].map((index) => this.strings[index] || ""),
			functions: out, nodes, samples: {...samples, values}, strings: [...strings.keys()]};
	}
}

const PROFILE_BYTES_MAX = 512 * 1024 * 1024;

async function gunzip(bytes) {
	const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
	const parts = [];
	let size = 0;
	for (;;) {
		const {done, value} = await reader.read();
		if (done)
			return new Uint8Array(await new Blob(parts).arrayBuffer());
		size += value.length;
		if (size > PROFILE_BYTES_MAX)
			throw new Error("it is larger than 512 MB");
		parts.push(value);
	}
}

// What a file (of <input type=file>, or dropped) holds. Throws an Error that says why it cannot be read.
async function readProfileFile(file) {
	if (file.size > PROFILE_BYTES_MAX)
		throw new Error("it is larger than 512 MB");
	let bytes = new Uint8Array(await file.arrayBuffer());
	if (bytes[0] === 0x1f && bytes[1] === 0x8b)
		bytes = await gunzip(bytes);
	const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
	if (start.startsWith("{"))
		return Profile.parse(new TextDecoder().decode(bytes));
	if (!start.startsWith("<"))
		return new Profile(new PprofReader(bytes).json());
	const text = new TextDecoder().decode(bytes);
	const mark = '<script type="application/json" id="profile">';
	const at = text.indexOf(mark), end = text.indexOf("</" + "script>", at);
	if (at < 0 || end < 0)
		throw new Error("it is a page, but none of bpfprof -f html");
	return Profile.parse(text.slice(at + mark.length, end));
}
