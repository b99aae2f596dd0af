import { fieldsOf } from '../../workspace/files.js';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';
import { valueIn } from './yaml-file.js';

export const BUF = 'buf.yaml';
const WHY = 'published elsewhere, keeps its style';
/** The section `lint` up to its list `ignore`, the line with that name, and the lines of the list. */
const LIST = /^(lint:\n(?:(?:[ #].*)?\n)*?)( +ignore:\n)((?: +[-#].*\n)+)/m;

/** The contracts that are exempt from the style rules, as paths under `proto/`: those in `lint.ignore` of buf.yaml. */
export const readExemptions = (root: string): readonly string[] => exemptions(readText(root, BUF));

const ignoredIn = (text: string) => fieldsOf(valueIn(BUF, text)['lint'])['ignore'];

function exemptions(text: string): readonly string[] {
  const ignored = ignoredIn(text);
  return Array.isArray(ignored) ? ignored.flatMap((one) => /^proto\/(.+)/.exec(String(one))?.[1] ?? []) : [];
}

/**
 * Exempts contracts from the style rules in the text of buf.yaml, each by name.
 *
 * @throws Refusal if there is no place for the entries.
 */
export function exempt(text: string, contracts: readonly string[]): string {
  const known = exemptions(text);
  const fresh = contracts.filter((contract) => !known.includes(contract));
  if (fresh.length === 0) return text;
  const lines = fresh.map((contract) => `    - proto/${contract} # ${WHY}\n`).join('');
  const hasList = ignoredIn(text) !== undefined;
  const grown = hasList ? text.replace(LIST, `$&${lines}`) : text.replace(/^lint:\n/m, `$&  ignore:\n${lines}`);
  if (grown !== text) return grown;
  throw new Refusal('has no place under lint.ignore for one entry a line', {
    place: { file: BUF },
    remedy: `add ${fresh.map((contract) => `proto/${contract}`).join(', ')} there by hand`,
  });
}

/** Removes the exemptions of contracts from the text of buf.yaml. */
export function endExemption(text: string, contracts: readonly string[]): string {
  const [section, before = '', name = '', list = ''] = LIST.exec(text) ?? [];
  if (section === undefined) return text;
  const isGone = (line: string) => contracts.some((one) => line.replace(/ #.*/, '').trim() === `- proto/${one}`);
  const left = list.split(/(?<=\n)/).filter((line) => !isGone(line));
  return text.replace(section, () => (left.length === 0 ? before : `${before}${name}${left.join('')}`));
}
