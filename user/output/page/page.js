// SPDX-License-Identifier: GPL-2.0
// What both pages have around the viewer: a capture in words, the keys' dialog, dark and light.

const KINDS = {cpu: "CPU", heap: "Heap", allocs: "Allocations", block: "Blocking", mutex: "Lock contention",
	faults: "Page fault", threads: "Threads", threadcreate: "Thread creation"};

function kindText(profile) {
	return `${KINDS[profile.kind] || visibleText(profile.kind)} profile`;
}

// When, how long, how much.
function captureText(profile) {
	const type = profile.types[profile.defaultType], total = profile.total(profile.defaultType);
	const parts = [];
	if (profile.timeMs)
		parts.push(new Date(profile.timeMs).toLocaleString("en-GB", {dateStyle: "medium", timeStyle: "medium"}));
	if (profile.durationNs)
		parts.push(`${valueText(profile.durationNs, "nanoseconds")} long`);
	const rate = type.unit === "nanoseconds" && profile.durationNs ? ` (${(total / profile.durationNs).toFixed(2)} on average)` : "";
	parts.push(`${valueText(total, type.unit)} ${type.type.replaceAll("_", " ")}${rate}`);
	return parts.join(" · ");
}

const KEYS = [["/", "search; Esc leaves"], ["← → ↑ ↓", "go from frame to frame"], ["Enter", "zoom to the frame; in the table: its callees"],
	["Esc", "undo: search, highlight, zoom, focus"], ["i", "callers or callees"], ["f", "root at the bottom or at the top"], ["t", "next value"],
	["c", "compare with another capture"], ["1 2 3", "graph, both, table"], ["d", "dark or light"], ["?", "these keys"]];

function helpDialog() {
	const dialog = element("dialog", {class: "help", "aria-label": "Keys"});
	dialog.append(element("h2", {}, "Keys"), element("dl", {}, ...KEYS.flatMap(([key, text]) =>
		[element("dt", {}, ...key.split(" ").map((part) => element("kbd", {}, part))), element("dd", {}, text)])),
	element("button", {onclick: () => dialog.close()}, "Close"));
	dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
	return dialog;
}

// The page's colours: the system's, until the reader chooses.
function initTheme(button, changed) {
	const root = document.documentElement;
	const apply = (theme) => {
		if (theme)
			root.dataset.theme = theme;
	};
	try {
		apply(localStorage.getItem("bpfprof-theme"));
	} catch {
		// A page from a file may have no storage.
	}
	button.addEventListener("click", () => {
		const theme = isDark() ? "light" : "dark";
		apply(theme);
		try {
			localStorage.setItem("bpfprof-theme", theme);
		} catch {
			// As above.
		}
		changed();
	});
}

// What both pages have: the theme's button and the keys' dialog, by `d` and `?` too.
function initPage(themeButton, helpButton, changed) {
	const dialog = helpDialog();
	document.body.append(dialog);
	initTheme(themeButton, changed);
	helpButton.addEventListener("click", () => dialog.showModal());
	document.addEventListener("keydown", (event) => {
		if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (event.key === "?" && !dialog.open)
			dialog.showModal();
		else if (event.key === "d" && !dialog.open)
			themeButton.click();
	});
}
