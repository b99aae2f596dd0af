import { cutOut, spliceIn } from '../text.js';
import { child, children, nameOf, parseTypeScript } from '../update/syntax.js';

/** An export of Rondo's packages that has another name from a version on. */
export interface Rename {
  /** The first version that has the new name. */
  readonly version: string;
  readonly module: string;
  readonly from: string;
  readonly to: string;
}

/** All of them, oldest first. `rondo upgrade` renames what apps import. */
export const RENAMES: readonly Rename[] = [];

/** Whether a version is later than another one. */
export const isAfter = (version: string, other: string): boolean =>
  version.localeCompare(other, 'en', { numeric: true }) > 0;

/** Renames what a TypeScript file imports. The file goes on to use the old name: `import { New as Old }` means the same everywhere. */
export function renameImports(text: string, renames: readonly Rename[]): string {
  return renames.reduce(
    (renamed, rename) => (renamed.includes(rename.from) ? applied(renamed, rename) : renamed),
    text,
  );
}

/** By kind of statement: the name in the module, and the name here. Both are one word if they are equal. */
const NAMES: Readonly<Record<string, readonly [there: string, here: string]>> = {
  ImportDeclaration: ['imported', 'local'],
  ExportNamedDeclaration: ['local', 'exported'],
};

function applied(text: string, { module, from, to }: Rename): string {
  const specifiers = children(parseTypeScript(text), 'body')
    .filter((statement) => nameOf(child(statement, 'source')) === module)
    .flatMap((statement) => {
      const [there, here] = NAMES[statement.type] ?? ['', ''];
      return children(statement, 'specifiers').map((one) => ({ there: child(one, there), here: child(one, here) }));
    });
  return specifiers.reduceRight((rest, { there, here }) => {
    if (there === undefined || nameOf(there) !== from) return rest;
    return spliceIn(cutOut(rest, there), there.start, there.start === here?.start ? `${to} as ${from}` : to);
  }, text);
}
