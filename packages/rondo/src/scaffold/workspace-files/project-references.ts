import { isNode, isSeq } from 'yaml';
import { Refusal } from '../errors.js';
import { cutOut, lineBreakOf, lineStart, spliceIn } from '../text.js';
import { parseYaml, spanOf } from './yaml-file.js';

/** The list of the projects to compile. */
export const PROJECTS = 'tsconfig.build.json';

/**
 * Adds a project to the end of the list in the text of tsconfig.build.json.
 *
 * @throws Refusal if there is no list.
 */
export function addProject(text: string, folder: string): string {
  const last = references(text).at(-1);
  if (last === undefined) {
    throw new Refusal('has no "references"', {
      place: { file: PROJECTS },
      remedy: `add { "path": "${folder}" } by hand`,
    });
  }
  const indent = text.slice(lineStart(text, last.start), last.start);
  return spliceIn(text, last.end, `,${lineBreakOf(text)}${indent}{ "path": "${folder}" }`);
}

/** Removes a project from the text of tsconfig.build.json. */
export function removeProject(text: string, folder: string): string {
  const list = references(text);
  const at = list.findIndex(({ start, end }) => text.slice(start, end).includes(`"${folder}"`));
  const found = list[at];
  if (found === undefined) return text;
  const before = list[at - 1];
  const after = list[at + 1];
  // Including its comma.
  if (before !== undefined) return cutOut(text, { start: before.end, end: found.end });
  return cutOut(text, { start: found.start, end: after?.start ?? found.end });
}

function references(text: string) {
  const list = parseYaml(PROJECTS, text).node('references');
  return isSeq(list) ? list.items.filter(isNode).map(spanOf) : [];
}
