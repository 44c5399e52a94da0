// SPDX-License-Identifier: GPL-2.0
// Taking captures, once or again and again, keeping the last ones, and comparing two of them.

const CAPTURES_MAX = 20;
const CAPTURE_KINDS = [["cpu", "CPU"], ["heap", "Heap"], ["allocs", "Allocations"], ["block", "Blocking"], ["mutex", "Lock contention"],
	["sched", "Run-queue waits"], ["faults", "Page faults"],
	["threads", "Threads"], ["threadcreate", "Thread creation"]];
const CAPTURE_SECONDS = [1, 2, 5, 10, 30, 60];

class Captures {
	constructor() {
		this.list = []; // {number, name, target, profile, text}, the latest last
		this.count = 0;
		this.target = {pid: 0, name: "the whole host"};
		this.viewer = new Viewer({chooseBase: () => this.baseSelect.focus()});
		this.viewer.compare.hidden = true;
		this.viewer.element.hidden = true;
		this.viewer.element.addEventListener("rendered", () => this.showLists());
		this.build();
	}

	build() {
		const select = (label, choices, change) => {
			const made = element("select", {"aria-label": label, onchange: () => change(made.value)},
				...choices.map(([value, text]) => element("option", {value}, text)));
			return made;
		};
		this.kindSelect = select("Profile", CAPTURE_KINDS, () => this.showSeconds());
		this.secondsSelect = select("Length", [], () => {});
		this.start = element("button", {class: "primary", title: "Take a capture (r)", onclick: () => this.toggle()}, "Capture");
		this.live = element("button", {"aria-pressed": false, title: "Take one capture after the other (l)", onclick: () => this.toggleLive()}, "Live");
		this.bar = element("i");
		this.progress = element("div", {class: "progress", hidden: true}, this.bar);
		this.shownSelect = select("Capture", [], (value) => this.choose(Number(value)));
		this.baseSelect = select("Compare with", [], (value) => this.compare(value));
		this.save = element("button", {class: "save", title: "Save as one file that opens offline", onclick: () => this.saveShown()}, "Save");
		this.chosen = element("span", {class: "chosen"}, element("label", {}, "Capture", this.shownSelect),
			element("label", {}, "Compare with", this.baseSelect), this.save);
		this.chosen.hidden = true;
		this.message = element("p", {class: "message", role: "alert", hidden: true});
		this.title = element("p", {class: "capture-title faint"});
		this.empty = element("div", {class: "empty"}, element("p", {}, "No capture yet."),
			element("p", {}, "Choose a process on the left, or the whole host, and press Capture."));
		this.element = element("div", {class: "capture"}, element("div", {class: "capture-bar"}, this.kindSelect, this.secondsSelect, this.start,
			this.live, this.progress, this.chosen), this.message, this.title, this.empty, this.viewer.element);
		this.showSeconds();
	}

	showSeconds() {
		const chosen = this.secondsSelect.value || "5";
		// A CPU profile needs a while; the others have counted since they were attached.
		const choices = CAPTURE_SECONDS.map((seconds) => [String(seconds), `${seconds} s`]);
		if (this.kindSelect.value !== "cpu")
			choices.unshift(["0", "since attached"]);
		Viewer.fill(this.secondsSelect, choices, choices.some(([value]) => value === chosen) ? chosen : "5");
	}

	setTarget(pid, name) {
		this.target = {pid, name};
		this.start.textContent = this.running ? "Stop" : "Capture";
		if (this.live.getAttribute("aria-pressed") === "true") {
			this.stop();
			this.take();
		}
	}

	toggle() {
		if (this.running)
			this.stop();
		else
			this.take();
	}

	toggleLive() {
		const on = this.live.getAttribute("aria-pressed") !== "true";
		this.live.setAttribute("aria-pressed", on);
		if (on && !this.running)
			this.take();
		else if (!on)
			this.stop();
	}

	stop() {
		if (this.running)
			this.running.abort();
	}

	async take() {
		const running = new AbortController(), target = this.target;
		const request = {kind: this.kindSelect.value, pid: target.pid, seconds: Number(this.secondsSelect.value)};
		this.running = running;
		this.start.textContent = "Stop";
		this.message.hidden = true;
		this.animate(request.seconds);
		try {
			const text = await fetchText(profilePath(request), running.signal);
			this.add(Profile.parse(text), text, target);
		} catch (error) {
			if (!running.signal.aborted) {
				this.message.textContent = `No ${request.kind} profile of ${target.name}: ${error.message}`;
				this.message.hidden = false;
				this.live.setAttribute("aria-pressed", false);
			}
		}
		if (this.running !== running)
			return;
		this.running = null;
		this.progress.hidden = true;
		this.start.textContent = "Capture";
		if (this.live.getAttribute("aria-pressed") === "true")
			setTimeout(() => !this.running && this.live.getAttribute("aria-pressed") === "true" && this.take(), request.seconds ? 0 : 2000);
	}

	animate(seconds) {
		this.progress.hidden = !seconds;
		const start = performance.now(), running = this.running;
		const step = () => {
			if (this.running !== running)
				return;
			this.bar.style.width = `${Math.min(100, (performance.now() - start) / seconds / 10)}%`;
			setTimeout(step, 100);
		};
		step();
	}

	add(profile, text, target) {
		const time = new Date().toLocaleTimeString("en-GB");
		const capture = {number: ++this.count, profile, text, target: target.name, name: `#${this.count} ${profile.kind} of ${target.name}, ${time}`};
		const base = this.viewer.base, kept = base && base.profile.kind === profile.kind ? base : null;
		this.list.push(capture);
		while (this.list.length > CAPTURES_MAX)
			this.list.splice(this.list.findIndex((old) => !kept || old.profile !== kept.profile), 1);
		this.showCapture(capture, kept);
	}

	showCapture(capture, base) {
		this.empty.hidden = true;
		this.chosen.hidden = false;
		this.viewer.element.hidden = false;
		this.viewer.name = capture.name;
		this.viewer.show(capture.profile, base);
	}

	choose(number) {
		const capture = this.list.find((one) => one.number === number);
		if (capture)
			this.showCapture(capture, this.viewer.base && this.viewer.base.profile !== capture.profile &&
				this.viewer.base.profile.kind === capture.profile.kind ? this.viewer.base : null);
	}

	compare(value) {
		const base = this.list.find((one) => one.number === Number(value));
		if (value === "file")
			this.viewer.fileInput.click();
		this.viewer.show(this.viewer.profile, base ? {profile: base.profile, name: base.name} : null);
	}

	showLists() {
		const {profile, base} = this.viewer, shown = this.list.find((one) => one.profile === profile);
		const of = base && this.list.find((one) => one.profile === base.profile);
		const text = (one) => [String(one.number), one.name];
		Viewer.fill(this.shownSelect, this.list.slice().reverse().map(text), shown ? String(shown.number) : "");
		const bases = this.list.filter((one) => one !== shown && one.profile.kind === profile.kind).reverse().map(text);
		const other = base && !of ? [["other", base.name]] : [];
		Viewer.fill(this.baseSelect, [["", "nothing"], ...bases, ...other, ["file", "a file…"]], of ? String(of.number) : other.length ? "other" : "");
		this.title.textContent = `${kindText(profile)} of ${shown ? shown.target : profile.title()} · ${captureText(profile)}`;
	}

	// The page of -f html with this capture in it.
	async saveShown() {
		const shown = this.list.find((one) => one.profile === this.viewer.profile);
		try {
			const [head, tail] = await Promise.all(["head", "tail"].map((part) => fetchText(`/static/report_${part}.html`)));
			const json = shown.text.trim().replaceAll("<", "\\u003c");
			const url = URL.createObjectURL(new Blob([head, json, tail], {type: "text/html"}));
			element("a", {href: url, download: `${shown.profile.kind}.html`}).click();
			setTimeout(() => URL.revokeObjectURL(url), 10000);
		} catch (error) {
			this.message.textContent = `Not saved: ${error.message}`;
			this.message.hidden = false;
		}
	}
}
