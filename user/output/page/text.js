// SPDX-License-Identifier: GPL-2.0
// Values and names as a person reads them. All names come from profiled processes: they are shown by
// textContent and canvas alone, never as markup.

const SCALES = {
	nanoseconds: [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"], [60e9, "min"], [3600e9, "h"]],
	bytes: [[1, "B"], [1024, "kB"], [1024 ** 2, "MB"], [1024 ** 3, "GB"], [1024 ** 4, "TB"]],
	count: [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]],
};

function digits(value) {
	const size = Math.abs(value);
	return size >= 100 || Number.isInteger(value) ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

// 1234567, "nanoseconds" -> "1.23 ms".
function valueText(value, unit) {
	if (!value)
		return "0";
	const scale = SCALES[unit] || SCALES.count;
	const size = Math.abs(value);
	if (scale === SCALES.count && size < 100000)
		return Number.isInteger(value) ? value.toLocaleString("en") : digits(value);
	let step = scale[0];
	for (const candidate of scale)
		if (size >= candidate[0])
			step = candidate;
	return `${digits(value / step[0])}${step[1] ? " " + step[1] : ""}`;
}

function signedText(value, unit) {
	return value > 0 ? `+${valueText(value, unit)}` : value < 0 ? `−${valueText(-value, unit)}` : "0";
}

function shareText(part, whole) {
	if (!whole)
		return "–";
	const percent = 100 * part / whole;
	const size = Math.abs(percent);
	return `${size >= 9.95 || !size ? percent.toFixed(1) : size >= 0.01 ? percent.toFixed(2) : percent.toPrecision(1)} %`;
}

// Marks that turn the direction of writing and other invisible characters would let a name pass for another one.
function visibleText(text) {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu,
		(c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
}

function baseName(path) {
	return path.slice(path.lastIndexOf("/") + 1) || path;
}

// element("button", {class: "chip", onclick: f}, "text", child...)
function element(tag, attributes, ...children) {
	const made = document.createElement(tag);
	for (const [key, value] of Object.entries(attributes || {})) {
		if (key.startsWith("on"))
			made.addEventListener(key.slice(2), value);
		else if (key.startsWith("aria-") && typeof value === "boolean")
			made.setAttribute(key, String(value));
		else if (value !== false && value !== undefined && value !== null)
			made.setAttribute(key, value === true ? "" : value);
	}
	made.append(...children.filter((child) => child !== null && child !== undefined));
	return made;
}
