import { Refusal } from '../errors.js';
import { filesBelow, readText } from '../repository.js';
import type { Placed } from './place.js';
import { packageFiles, packageFolders } from './platform.js';
import { fullNameIn, type Scan, scan } from './scan.js';

interface Elsewhere {
  readonly root: string;
  /** The contracts under `proto/`, by path. */
  readonly tree: ReadonlyMap<string, Scan>;
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/** Refuses a contract with a name that the tree or a package declares already in another file. */
export function refuseDeclared({ asked, files }: Placed, { root, tree, shown }: Elsewhere): void {
  const together = new Set(files.map((file) => file.path));
  const inTree = [...tree].flatMap(([file, scanned]) =>
    together.has(file) ? [] : declarations(`proto/${file}`, scanned),
  );
  const declared = new Map([...inPackages(root), ...inTree].map((one) => [one.name, one]));
  for (const { path: name, source } of files) {
    for (const ours of declarations(source.file, source.scan)) {
      const there = declared.get(ours.name);
      if (there === undefined) continue;
      const instead = name === asked.path ? 'and leave it out' : `in place of "${name}"`;
      throw new Refusal(`${ours.name} is declared at ${there.file}:${there.line} already`, {
        place: { file: shown(source.file), line: ours.line },
        remedy:
          there.importPath === undefined
            ? 'give the contract a package of its own, or start from the existing file'
            : `in a copy of the contract, import "${there.importPath}" ${instead}`,
      });
    }
  }
}

interface Declared {
  /** In full. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Undefined if no package has it. */
  readonly importPath?: string;
}

const declarations = (file: string, scanned: Scan): readonly Declared[] =>
  scanned.declarations.map(({ name, line }) => ({ name: fullNameIn(scanned, name), file, line }));

/** What the files of packages declare. */
function inPackages(root: string): readonly Declared[] {
  const find = packageFiles(root);
  return packageFolders(root).flatMap((folder) =>
    filesBelow(root, folder).flatMap((file) => {
      const importPath = file.slice(folder.length + 1);
      if (!file.endsWith('.proto') || find(importPath)?.module !== folder) return [];
      return declarations(file, scan(readText(root, file))).map((one) => ({ ...one, importPath }));
    }),
  );
}
