/**
 * The entries that services use, with their names and docstrings as TypeDoc reads them from the compiled declarations. TypeDoc needs
 * a TypeScript with a JavaScript interface, so this folder has one of its own.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, ReflectionKind } from 'typedoc';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The entries in the order of the page. `@rondo/rpc/internal` isn't among them: services can't import it. */
const ENTRIES = {
  rpc: ['client', 'server', 'call', 'status', 'middleware', 'clock', 'testing'],
  service: ['index', 'registration', 'testing'],
  database: ['index', 'testing'],
  resources: ['index', 'domain', 'sql'],
  access: ['index'],
  sync: ['index'],
  transactions: ['index'],
  dynamic: ['index'],
  schema: ['index', 'http'],
  cache: ['index', 'redis'],
  authentication: ['index'],
  certificates: ['index'],
  validation: ['index', 'strings'],
  'grpc-js': ['index'],
};

/**
 * @typedef {object} Entry
 * @property {string} name What one imports: `@rondo/rpc/client`.
 * @property {string} text What stands at the head of its file.
 * @property {import('typedoc').DeclarationReflection[]} members Its names: values by the alphabet, then types.
 */

/** @returns {Promise<Entry[]>} */
export async function readEntries() {
  const listed = Object.entries(ENTRIES).flatMap(([pkg, files]) => files.map((file) => ({ pkg, file })));
  const app = await Application.bootstrap({
    entryPoints: listed.map(({ pkg, file }) => path.join(root, 'packages', pkg, 'dist/exports', `${file}.d.ts`)),
    tsconfig: path.join(root, 'scripts/api/tsconfig.json'),
    alwaysCreateEntryPointModule: true,
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    logLevel: 'Error',
    skipErrorChecking: true,
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the declarations');
  return listed.map(({ pkg, file }) => {
    const suffix = `${pkg}/dist/exports${file === 'index' ? '' : `/${file}`}`;
    const module = project.children?.find(({ name }) => name === suffix || `${name}/index` === suffix);
    if (module === undefined)
      throw new Error(`TypeDoc did not read ${suffix}: ${project.children?.map(({ name }) => name)}`);
    const members = (module.children ?? []).map((one) => (one.isReference() ? one.getTargetReflectionDeep() : one));
    return {
      name: file === 'index' ? `@rondo/${pkg}` : `@rondo/${pkg}/${file}`,
      text: headOf(pkg, file),
      members: members.sort(inOrder),
    };
  });
}

const inOrder = (one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1);

const rank = ({ kind }) => (kind === ReflectionKind.Interface || kind === ReflectionKind.TypeAlias ? 1 : 0);

/** The docstring at the head of an entry's file, as Markdown. */
function headOf(pkg, file) {
  const source = readFileSync(path.join(root, 'packages', pkg, 'src/exports', `${file}.ts`), 'utf8');
  const [, text = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  return text.replace(/^ *\* ?/gm, '').trim();
}
