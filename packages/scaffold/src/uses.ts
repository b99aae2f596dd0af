import { filesBelow, readText } from './repository.js';

/** A place in the code of others that imports what a contract generates. */
export interface Use {
  /** Its path under `proto/`. */
  readonly contract: string;
  /** `services/sales/src/adapters/projects.ts:3`. */
  readonly place: string;
}

const IMPORT = /@rondo\/contracts\/([\w./-]+)/g;

/** Where the repository's code imports what contracts generate, outside of the service `name`. */
export function usesOf(root: string, name: string): readonly Use[] {
  return ['services', 'packages', 'e2e', 'bench', 'scripts']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => /\.(?:m?ts|m?js)$/.test(file) && !/^(?:packages\/contracts\/|packages\/scaffold\/)/.test(file))
    .filter((file) => !file.startsWith(`services/${name}/`))
    .flatMap((file) => usesIn(file, readText(root, file)));
}

const usesIn = (file: string, text: string): readonly Use[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(IMPORT)].map(([, module]) => ({ contract: `${module}.proto`, place: `${file}:${index + 1}` })),
    );
