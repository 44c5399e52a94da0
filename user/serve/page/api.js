// SPDX-License-Identifier: GPL-2.0
// What the page asks of the daemon.

// The answer's text. Throws an Error with the daemon's own words.
async function fetchText(path, signal) {
	let response;
	try {
		response = await fetch(path, {signal, cache: "no-store"});
	} catch (error) {
		throw signal && signal.aborted ? error : new Error("bpfprof does not answer; is it still running?");
	}
	const text = await response.text();
	if (!response.ok)
		throw new Error(visibleText(text.trim().split("\n")[0] || response.statusText).slice(0, 300));
	return text;
}

async function fetchJson(path) {
	return JSON.parse(await fetchText(path));
}

function profilePath(request) {
	const query = new URLSearchParams({type: request.kind});
	if (request.pid)
		query.set("pid", request.pid);
	if (request.seconds)
		query.set("seconds", request.seconds);
	return `/api/profile?${query}`;
}
