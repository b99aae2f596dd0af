import { type Document, LineCounter, parseDocument } from 'yaml';
import { messageOf } from '../../workspace/errors.js';
import { fieldsOf } from '../../workspace/files.js';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';

/** The value of a YAML text, with anchors and merges resolved. @throws Refusal if it can't be parsed. */
export function valueIn(file: string, text: string): Readonly<Record<string, unknown>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const [error] = document.errors;
  if (error === undefined) return fieldsOf(resolved(file, document));
  const [reason = error.code] = error.message.split(' at line ');
  const { line } = lines.linePos(error.pos[0]);
  throw new Refusal(reason, { place: { file, line }, remedy: 'correct it first' });
}

/** The value of a file of the repository. @throws Refusal if it can't be parsed. */
export const readYaml = (root: string, file: string): Readonly<Record<string, unknown>> =>
  valueIn(file, readText(root, file));

/** Resolves aliases. After parsing, only an alias can still be wrong. */
function resolved(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new Refusal(messageOf(error), { place: { file }, remedy: 'correct it first' });
  }
}
