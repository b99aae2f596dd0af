/** What the tools found wrong, each fault once. */
import { describeHandlers, namesUnknownMethod, shortenTypes } from './handler-faults.mjs';

const COMPILER = /^(?<file>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): error (?<text>TS\d+: .*)$/;
const BUF = /^(?<file>[^\s:][^:]*):(?<line>\d+):(?<column>\d+):(?<text>.*)$/;

/**
 * @typedef {object} Fault
 * @property {string} [file] From the repository's folder.
 * @property {string} text Where, and what; further lines are indented.
 */

/**
 * @param {string} output What tsc or buf printed.
 * @returns {Fault[]}
 */
export function parseFaults(output) {
  const faults = [];
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) {
    const { file, line: row, column, text } = (COMPILER.exec(line) ?? BUF.exec(line))?.groups ?? {};
    const last = faults.at(-1);
    if (file !== undefined) faults.push({ file, place: `${file}:${row}:${column}`, text });
    else if (last !== undefined && /^\s/.test(line)) last.text += `\n${line}`;
    else faults.push({ text: line });
  }
  return withoutConsequences(faults).map(({ file, place, text }) =>
    file === undefined ? { text } : { file, text: `${place} ${describeHandlers(file, text) ?? shortenTypes(text)}` },
  );
}

/** A handler without a method has parameters without types: that isn't a fault of its own. */
function withoutConsequences(faults) {
  const files = new Set(faults.filter(({ text }) => namesUnknownMethod(text)).map(({ file }) => file));
  return faults.filter(({ file, text }) => !(files.has(file) && /^TS70(?:06|19|31): /.test(text)));
}

/**
 * Whether a fault of the compiler's is in what `service` is made of: in its own folder, or in what several share.
 * @param {Fault} fault
 * @param {string} service
 */
export function concerns({ file }, service) {
  const [, owner] = /^services\/([^/]+)\//.exec(file ?? '') ?? [];
  return owner === undefined || owner === service;
}

/**
 * Tells what wasn't there the last time.
 * @param {(text: string) => void} tell
 * @returns {(found: { key?: string, text: string }[]) => void} What has the same key, or else text, is the same.
 */
export function createReport(tell) {
  let known = new Set();
  return (found) => {
    const now = new Map(found.map(({ key, text }) => [key ?? text, text]));
    for (const [key, text] of now) if (!known.has(key)) tell(text);
    known = new Set(now.keys());
  };
}
