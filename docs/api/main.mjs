/**
 * Reads the public names of the packages from their compiled declarations: `node docs/api/main.mjs [--out FOLDER] [--root FOLDER]`.
 * It fails if a name has no docstring. With `--out` it writes a page of Markdown for each entry. TypeDoc needs a TypeScript with a
 * JavaScript interface, so this folder has one of its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Application, Comment, ReflectionKind } from 'typedoc';

/** The entries that services use. `@rondo/rpc/internal` isn't among them: services can't import it. */
const ENTRIES = {
  rpc: ['client', 'server', 'call', 'status', 'middleware', 'clock', 'testing'],
  service: ['index', 'registration', 'testing'],
  database: ['index', 'testing'],
  resources: ['index', 'domain', 'sql'],
  transactions: ['index'],
  schema: ['index', 'http'],
  cache: ['index'],
  balancing: ['index', 'scatter'],
  'cache-redis': ['index', 'store'],
  authentication: ['index', 'tokens'],
  certificates: ['index'],
  validation: ['index', 'strings'],
  'grpc-js': ['index'],
};

const text = { type: 'string' };
const { out, root = fileURLToPath(new URL('../../', import.meta.url)) } = parseArgs({
  options: { out: text, root: text },
}).values;

const folderOf = (pkg) =>
  ['packages', 'plugins'].map((parent) => path.join(root, parent, pkg)).find((folder) => existsSync(folder));

const app = await Application.bootstrapWithPlugins({
  entryPoints: Object.entries(ENTRIES).flatMap(([pkg, files]) =>
    files.map((file) => path.join(folderOf(pkg), 'dist/exports', `${file}.d.ts`)),
  ),
  tsconfig: path.join(root, 'docs/api/tsconfig.json'),
  alwaysCreateEntryPointModule: true,
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  logLevel: 'Warn',
  name: 'API',
  readme: 'none',
  skipErrorChecking: true,
  validation: false,
  plugin: ['typedoc-plugin-markdown'],
  ...(out !== undefined && { out }),
  router: 'module',
  entryFileName: 'index',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  useHTMLEncodedBrackets: true,
  sanitizeComments: true,
  expandParameters: true,
  parametersFormat: 'table',
  classPropertiesFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
});
const project = await app.convert();
if (project === undefined) throw new Error('TypeDoc could not read the declarations');
for (const module of project.children ?? []) nameAsImported(module);
const undocumented = (project.children ?? []).flatMap((module) =>
  (module.children ?? [])
    .filter((one) => !isDocumented(one))
    .map(({ name }) => `${module.name}: ${name} has no docstring`),
);
for (const fault of undocumented) console.error(fault);
if (undocumented.length > 0) process.exitCode = 1;
else if (out !== undefined) {
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter)) {
    if (parameter.name === '__namedParameters') parameter.name = 'options';
  }
  await app.generateOutputs(project);
}

/** A function has its docstring on its signature. */
function isDocumented(one) {
  const { comment, signatures = [] } = one.isReference() ? one.getTargetReflectionDeep() : one;
  return comment !== undefined || signatures.some((signature) => signature.comment !== undefined);
}

/** Gives an entry the name that one imports, and the docstring at the head of its source, which declarations don't have. */
function nameAsImported(module) {
  const [, pkg, file = 'index'] = /^(?:\w+\/)?([\w-]+)\/dist\/exports(?:\/([\w-]+))?$/.exec(module.name) ?? [];
  const source = readFileSync(path.join(folderOf(pkg), 'src/exports', `${file}.ts`), 'utf8');
  const [, head = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  module.name = file === 'index' ? `@rondo/${pkg}` : `@rondo/${pkg}/${file}`;
  module.comment = new Comment([{ kind: 'text', text: head.replace(/^ *\* ?/gm, '').trim() }]);
}
