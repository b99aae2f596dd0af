import { isScalar, isSeq } from 'yaml';
import { Refusal } from '../errors.js';
import { cutOut, lineStart, nextLine, spliceIn } from '../text.js';
import { entriesOf, parseYaml, readYaml, spanOf, type YamlFile } from './yaml-file.js';

/** The settings of buf. */
export const BUF = 'buf.yaml';
const WHY = 'published elsewhere, keeps its style';

/** The contracts that are exempt from the style rules, as paths under `proto/`: those in `lint.ignore` of buf.yaml. */
export const readExemptions = (root: string): readonly string[] =>
  entries(readYaml(root, BUF)).map(({ contract }) => contract);

/**
 * Exempts contracts from the style rules in the text of buf.yaml, each by name.
 *
 * @throws Refusal if there is no place for the entries.
 */
export function exempt(text: string, contracts: readonly string[]): string {
  const known = entries(parseYaml(BUF, text)).map(({ contract }) => contract);
  const fresh = contracts.filter((contract) => !known.includes(contract));
  if (fresh.length === 0) return text;
  const buf = parseYaml(BUF, text);
  const lint = entriesOf(buf.node('lint'));
  const list = lint.find(({ key }) => key === 'ignore');
  const [first] = lint;
  if (first === undefined || (list !== undefined && !isBlock(buf, list.value))) {
    throw new Refusal('has no place under lint.ignore for one entry a line', {
      place: { file: BUF },
      remedy: `add ${fresh.map((contract) => `proto/${contract}`).join(', ')} there by hand`,
    });
  }
  const lines = fresh.map((contract) => `    - proto/${contract} # ${WHY}\n`);
  const added = [...(list === undefined ? ['  ignore:\n'] : []), ...lines].join('');
  const at = nextLine(text, list === undefined ? first.span.end - 1 : list.span.start);
  return spliceIn(text, at, added);
}

/** Removes the exemptions of contracts from the text of buf.yaml. */
export function endExemption(text: string, contracts: readonly string[]): string {
  const buf = parseYaml(BUF, text);
  const gone = entries(buf).filter(({ contract }) => contracts.includes(contract));
  const list = entriesOf(buf.node('lint')).find(({ key }) => key === 'ignore');
  if (list === undefined || gone.length === 0) return text;
  if (isSeq(list.value) && list.value.items.length === gone.length) {
    return cutOut(text, { start: lineStart(text, list.span.start), end: nextLine(text, list.span.end - 1) });
  }
  return gone.reduceRight((rest, { offset }) => withoutLine(rest, offset), text);
}

const withoutLine = (text: string, offset: number) =>
  cutOut(text, { start: lineStart(text, offset), end: nextLine(text, offset) });

function entries(buf: YamlFile) {
  const list = buf.node('lint', 'ignore');
  if (!isSeq(list)) return [];
  return list.items.flatMap((item) => {
    if (!isScalar(item) || !String(item.value).startsWith('proto/')) return [];
    return { contract: String(item.value).slice('proto/'.length), offset: spanOf(item).start };
  });
}

const isBlock = ({ text }: YamlFile, list: Parameters<typeof spanOf>[0]) => text[spanOf(list).start] === '-';
