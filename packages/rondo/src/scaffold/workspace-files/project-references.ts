import { Refusal } from '../errors.js';

export const PROJECTS = 'tsconfig.build.json';

const REFERENCE = /\{ "path": "[^"]+" \}/g;

/**
 * Adds a project to the end of the list in the text of tsconfig.build.json.
 *
 * @throws Refusal if there is no list.
 */
export function addProject(text: string, folder: string): string {
  const added = `{ "path": "${folder}" }`;
  const grown = withReferences(text, added);
  if (grown !== text) return grown;
  throw new Refusal('has no "references"', { place: { file: PROJECTS }, remedy: `add ${added} by hand` });
}

/** Removes a project from the text of a configuration of the compiler, with its comma. */
export const removeProject = (text: string, folder: string): string =>
  text.replace(new RegExp(`,\\s*\\{ "path": "${folder}" \\}|\\{ "path": "${folder}" \\},?\\s*`), '');

/** A configuration of the compiler with the references that another text has more of. */
export function withReferences(text: string, other: string): string {
  const missing = (other.match(REFERENCE) ?? []).filter((one) => !text.includes(one));
  const last = text.match(REFERENCE)?.at(-1);
  return last === undefined ? text : text.replace(last, [last, ...missing].join(',\n    '));
}
