import { isMap, isNode, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { messageOf } from '../../workspace/errors.js';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';
import type { Span } from '../text.js';

/**
 * A YAML or JSON file with the positions of its nodes. Edits splice its text, so that every other byte is unchanged.
 */
export interface YamlFile {
  readonly file: string;
  readonly text: string;
  /** The node at a path of keys; undefined if there is none. */
  node(...keys: readonly string[]): Node | undefined;
  line(offset: number): number;
  /** The value at a path of keys, with anchors and merges resolved; the whole file for no keys. */
  value(...keys: readonly string[]): unknown;
}

/**
 * Reads a file of the repository.
 *
 * @throws Refusal if it can't be parsed.
 */
export const readYaml = (root: string, file: string): YamlFile => parseYaml(file, readText(root, file));

/**
 * Parses a text as {@link readYaml} parses a file.
 *
 * @throws Refusal if it can't be parsed.
 */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const line = (offset: number) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined) {
    const [reason = error.code] = error.message.split(' at line ');
    throw new Refusal(reason, { place: { file, line: line(error.pos[0]) }, remedy: 'correct it first' });
  }
  const whole = resolved(file, () => document.toJS());
  return {
    file,
    text,
    line,
    node(...keys) {
      const found: unknown = document.getIn(keys, true);
      return isNode(found) ? found : undefined;
    },
    value: (...keys) => keys.reduce((value, key) => new Map(Object.entries(value ?? {})).get(key), whole),
  };
}

/** Resolves aliases. After parsing, only an alias can still be wrong. */
function resolved(file: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw new Refusal(messageOf(error), {
      place: { file },
      remedy: 'correct it first',
    });
  }
}

/** The span of a node's own text. */
export function spanOf(node: Node): Span {
  const [start = 0, end = 0] = node.range ?? [];
  return { start, end };
}

/** The entries of a map that have text keys; none if the node isn't a map. */
export function entriesOf(node: Node | undefined): readonly { key: string; span: Span; value: Node }[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair: Pair) => {
    const { key, value } = pair;
    if (!isScalar(key) || !isNode(value)) return [];
    return { key: String(key.value), span: { start: spanOf(key).start, end: spanOf(value).end }, value };
  });
}
