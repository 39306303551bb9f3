// Charts: SVG as wide as there is room, drawn anew where that changes.

import {draw, make} from "./elements.js";

const observer = new ResizeObserver(entries => {
	for (const {target, contentRect} of entries) {
		const width = Math.floor(contentRect.width);
		if (width > 0 && target.drawnWidth !== width) {
			target.drawnWidth = width;
			target.replaceChildren(target.drawAt(width));
		}
	}
});

// A figure whose SVG is what drawAt(width) returns; label says in words what
// the eye sees.
function figure(label, height, drawAt) {
	const box = make("div", "chart");
	box.style.minHeight = `${height}px`;
	box.drawAt = width => draw("svg", {width, height, role: "img",
		"aria-label": label, viewBox: `0 0 ${width} ${height}`},
	drawAt(width));
	observer.observe(box);
	return box;
}

const text = (x, y, words, attributes = {}) =>
	draw("text", {x, y, ...attributes}, words);

// A bar of some length, in parts {size, className} of it, lines across at
// marks; lengths as shares of the whole.
export function bar(share, className, parts = [], marks = []) {
	const whole = Math.min(Math.max(share, 0), 1);
	const sum = parts.reduce((all, part) => all + Math.max(part.size, 0), 0);
	let from = 0;
	const pieces = parts.map(part => {
		const width = sum > 0
			? 100 * whole * Math.max(part.size, 0) / sum : 0;
		const rect = draw("rect", {class: `part ${part.className}`,
			x: from, width, height: 10});
		from += width;
		return rect;
	});
	const fill = draw("rect", {class: `fill ${className}`,
		width: 100 * whole, height: 10});
	const lines = marks.filter(at => at > 0 && at < 1).map(at =>
		draw("line", {class: "mark", x1: 100 * at, x2: 100 * at, y2: 10}));
	return draw("svg", {class: "bar", viewBox: "0 0 100 10",
		preserveAspectRatio: "none", "aria-hidden": "true"},
	draw("rect", {class: "track", width: 100, height: 10}),
	parts.length ? pieces : fill, lines);
}

// Numbers for a scale from low to high, at most so many.
export function ticks(low, high, most) {
	const power = 10 ** Math.floor(Math.log10((high - low) / most));
	const step = [1, 2, 5, 10].map(x => x * power)
		.find(x => (high - low) / x <= most);
	const first = Math.ceil(low / step - 1e-9);
	return Array.from({length: Math.floor(high / step + 1e-9) - first + 1},
		(_, i) => (first + i) * step);
}

const scaleText = x => String(Number(x.toFixed(6)));

// How the pairs' similarities lie: {low, step, shares}; lines {at, label}
// across, and points {at, label, to} above.
export function distribution(pairs, {lines = [], points = [], label}) {
	const top = points.length ? 46 : 26, bottom = 24, height = 150 + top;
	return figure(label, height, width => {
		const last = Math.max(pairs.low + pairs.step * pairs.shares.length,
			...points.map(p => p.at));
		const high = Math.max(last, pairs.low + pairs.step);
		const x = at => 1 + (width - 2) * (at - pairs.low)
			/ (high - pairs.low);
		// The root, so that few pairs are seen beside many.
		const most = Math.sqrt(Math.max(...pairs.shares, 1e-9));
		const y = share => height - bottom
			- (height - bottom - top) * Math.sqrt(share) / most;
		const bars = pairs.shares.map((share, i) => draw("rect", {
			class: "column", x: x(pairs.low + i * pairs.step),
			width: Math.max(x(pairs.low + pairs.step)
				- x(pairs.low) - 1, 1),
			y: y(share), height: height - bottom - y(share)}));
		const axis = ticks(pairs.low, high, width < 500 ? 5 : 10)
			.map(at => text(x(at), height - 7, scaleText(at),
				{class: "tick", "text-anchor": x(at) < 14 ? "start"
					: x(at) > width - 14 ? "end" : "middle"}));
		const across = lines.map(({at, label: words}, i) => [
			draw("line", {class: "rule", x1: x(at), x2: x(at),
				y1: top - 12 + 12 * (i % 2), y2: height - bottom}),
			text(x(at) + (x(at) > width / 2 ? -4 : 4),
				top - 3 + 12 * (i % 2), words, {class: "note",
					"text-anchor": x(at) > width / 2 ? "end"
						: "start"})]);
		const dots = points.map(({at, label: words}) => draw("circle", {
			class: "point", cx: x(at), cy: 14, r: 4.5},
		draw("title", {}, words)));
		return [bars, draw("line", {class: "axis", x1: 0, x2: width,
			y1: height - bottom, y2: height - bottom}), across, dots, axis];
	});
}

// Columns with a label beneath each: {label, value, title}.
export function columns(values, label, {every = 1} = {}) {
	const height = 150, bottom = 22, top = 18;
	return figure(label, height, width => {
		const most = Math.max(...values.map(v => v.value), 1e-9);
		const step = width / values.length;
		const y = value => height - bottom
			- (height - bottom - top) * value / most;
		const skip = Math.max(every, Math.ceil(34 / step));
		return [values.map((one, i) => [
			draw("rect", {class: "column", x: i * step + step * 0.08,
				width: step * 0.84, y: y(one.value),
				height: Math.max(height - bottom - y(one.value), 0)},
			draw("title", {}, one.title)),
			i % skip === 0 && one.label !== "" ? text((i + 0.5) * step,
				height - 6, one.label,
				{class: "tick", "text-anchor": "middle"}) : null,
			one.above ? text((i + 0.5) * step, y(one.value) - 4, one.above,
				{class: "note", "text-anchor": "middle"}) : null]),
		draw("line", {class: "axis", x1: 0, x2: width, y1: height - bottom,
			y2: height - bottom})];
	});
}

// A cell of a heat map: a square whose strength is a share.
export const cell = share => draw("svg", {class: "cell", viewBox: "0 0 10 10",
	preserveAspectRatio: "none", "aria-hidden": "true"},
draw("rect", {width: 10, height: 10,
	class: share > 0 ? "heat" : "cold",
	"fill-opacity": share > 0 ? 0.18 + 0.82 * Math.min(share, 1) : 1}));
