import { isNode, isSeq } from 'yaml';
import type { ReplacedModule } from '../contract/contract.js';
import { lineStart, nextLine } from '../text.js';
import { BUF } from './buf-exemptions.js';
import { parseYaml, spanOf } from './yaml-file.js';

/** Begins each line of a module in buf.yaml in whose place a contract of `proto/` stands. */
const markOf = (contract: string) => `  # proto/${contract} stands in place of `;
const MARK = /^ {2}# proto\/(\S+\.proto) stands in place of /gm;

/** The contracts that stand in place of a package's, by the text of buf.yaml. */
export const replacing = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(MARK)].flatMap(([, contract]) => contract ?? [])),
];

/** Takes the module at `folder` out of the text of buf.yaml, as `contract` stands in its place. Its lines become comments. */
export function replaceModule(text: string, { folder, contract }: ReplacedModule): string {
  const modules = parseYaml(BUF, text).node('modules');
  const items = isSeq(modules) ? modules.items.filter(isNode).map(spanOf) : [];
  const item = items.find(({ start, end }) => text.slice(start, end).split(/\s+/)[1] === folder);
  if (item === undefined) return text;
  const [start, end] = [lineStart(text, item.start), nextLine(text, item.end - 1)];
  return text.slice(0, start) + text.slice(start, end).replace(/^(?=.)/gm, markOf(contract)) + text.slice(end);
}

/** Gives back the modules in whose place the contracts stood. */
export const restoreModules = (text: string, contracts: readonly string[]): string =>
  contracts.reduce((rest, contract) => rest.replaceAll(markOf(contract), ''), text);
