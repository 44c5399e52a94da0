// SPDX-License-Identifier: GPL-2.0
// Colours of frames: a hue for each binary, the kernel's always the same; of comparisons, red for more and blue for
// less.

const KERNEL_HUE = 28;
// Apart from each other, from the kernel's and from what search and comparison use.
const MODULE_HUES = [205, 140, 265, 50, 175, 320, 95, 232, 350, 75];
const isDark = () => getComputedStyle(document.documentElement).getPropertyValue("--dark").trim() === "1";

function hash(text) {
	let value = 2166136261;
	for (let i = 0; i < text.length; i++)
		value = Math.imul(value ^ text.charCodeAt(i), 16777619);
	return (value ^ value >>> 15) >>> 0;
}

class Colors {
	// modules: names of binaries, the one with the largest share first.
	constructor(modules) {
		this.hues = new Map();
		modules.filter((module) => module && module !== "kernel").forEach((module, i) => {
			if (i < MODULE_HUES.length)
				this.hues.set(module, MODULE_HUES[i]);
		});
		this.hues.set("kernel", KERNEL_HUE);
		this.dark = isDark();
		this.cache = new Map();
	}

	color(hue, saturation, shift) {
		const lightness = this.dark ? 56 + shift : 76 + shift;
		return `hsl(${hue} ${saturation}% ${lightness}%)`;
	}

	ofModule(module) {
		const hue = this.hues.get(module);
		return hue === undefined ? this.color(220, 8, 0) : this.color(hue, this.dark ? 42 : 62, 0);
	}

	ofFunction(fn) {
		let color = this.cache.get(fn.id);
		if (!color) {
			const hue = this.hues.get(fn.module), shift = hash(fn.name) % 11 - 5;
			color = hue === undefined ? this.color(220, 8, shift) : this.color(hue, this.dark ? 42 : 62, shift);
			this.cache.set(fn.id, color);
		}
		return color;
	}

	// now, base: values; whole: of both captures, the larger. What is small against the whole stays pale.
	ofChange(now, base, whole) {
		const change = now - base, size = Math.max(Math.abs(now), Math.abs(base));
		if (!change || !whole || !size)
			return this.color(220, 6, this.dark ? -6 : 10);
		const strength = Math.abs(change) / size * Math.min(1, Math.abs(change) / whole * 100);
		const steps = Math.round(strength * 16) / 16;
		const hue = change > 0 ? 4 : 214;
		return this.dark ? `hsl(${hue} ${12 + steps * 58}% ${50 + steps * 8}%)` : `hsl(${hue} ${15 + steps * 75}% ${90 - steps * 22}%)`;
	}
}
