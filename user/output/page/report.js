// SPDX-License-Identifier: GPL-2.0
// The page of -f html: one profile, which stands in the page.

function startReport() {
	const viewer = new Viewer();
	const byId = (id) => document.getElementById(id);
	initPage(byId("theme"), byId("help"), () => viewer.render());
	byId("main").append(viewer.element);
	let profile;
	try {
		profile = Profile.parse(byId("profile").textContent);
	} catch (error) {
		byId("main").replaceChildren(element("p", {class: "message", role: "alert"}, `The profile in this page cannot be read: ${error.message}`));
		return;
	}
	document.title = `${profile.title()} – ${kindText(profile)} – bpfprof`;
	byId("title").textContent = `${kindText(profile)} of ${profile.title()}`;
	byId("capture").textContent = captureText(profile);
	byId("comments").replaceChildren(...profile.comments.map((text) => element("li", {}, text)));
	byId("about").hidden = !profile.comments.length;
	viewer.show(profile);
	window.bpfprofViewer = viewer; // for tests and for the curious
}

startReport();
