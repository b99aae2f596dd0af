import { isMap, isNode, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { Refusal } from '../refusal.js';
import { readText } from '../repository.js';
import type { Span } from '../text.js';
import { messageOf } from '../thrown.js';

/** A YAML or JSON file, read for where things stand in its text: edits are splices, and every other byte stays. */
export interface YamlFile {
  readonly file: string;
  readonly text: string;
  /** The node at a path of keys; undefined where there is none. */
  node(...keys: readonly string[]): Node | undefined;
  /** The line of an offset, from 1. */
  line(offset: number): number;
  /** What stands at a path of keys, anchors and merges followed; the whole file for none. */
  value(...keys: readonly string[]): unknown;
}

/**
 * Reads a file of the repository.
 *
 * @throws Refusal where it can't be parsed.
 */
export const readYaml = (root: string, file: string): YamlFile => parseYaml(file, readText(root, file));

/**
 * Reads a text as {@link readYaml} reads a file.
 *
 * @throws Refusal where it can't be parsed.
 */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const line = (offset: number) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined) {
    const [reason = error.code] = error.message.split(' at line ');
    throw new Refusal(reason, { place: { file, line: line(error.pos[0]) }, remedy: 'mend it first' });
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

/** Only what an alias stands for may still be wrong. */
function resolved(file: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw new Refusal(messageOf(error), {
      place: { file },
      remedy: 'mend it first',
    });
  }
}

/** Where a node stands: where it begins, and where its own text ends. */
export function spanOf(node: Node): Span {
  const [start = 0, end = 0] = node.range ?? [];
  return { start, end };
}

/** The entries of a map with keys that are texts; none where the node is something else. */
export function entriesOf(node: Node | undefined): readonly { key: string; span: Span; value: Node }[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair: Pair) => {
    const { key, value } = pair;
    if (!isScalar(key) || !isNode(value)) return [];
    return { key: String(key.value), span: { start: spanOf(key).start, end: spanOf(value).end }, value };
  });
}
