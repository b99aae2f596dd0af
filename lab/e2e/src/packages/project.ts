import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, root, start } from '@rondo/harness';

const { packageManager, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** How each package manager installs a project's dependencies, and what it takes to leave the optional ones out. */
const INSTALL = {
  npm: [['npm', 'install'], '--omit=optional'],
  pnpm: [['npx', '--yes', `--package=${packageManager}`, 'pnpm', 'install'], '--no-optional'],
  // In its own cache, yarn has tarballs by name and version alone: it would take those of an earlier build.
  yarn: [['npx', '--yes', 'yarn@1.22.22', 'install', '--non-interactive', '--cache-folder=cache'], '--ignore-optional'],
} as const;

/** A package manager that installs the packages. */
export type Manager = keyof typeof INSTALL;

/** Tarballs by the names of their packages. */
export type Tarballs = Readonly<Record<string, string>>;

/** The tarballs of the libraries in a folder: the tool works in an app only, and `npm run create` installs it there. */
export function tarballsIn(folder: string): Tarballs {
  const files = readdirSync(folder).filter((file) => /^rondo-(?!tool-).*\.tgz$/.test(file));
  return Object.fromEntries(
    files.map((file) => [file.replace(/^rondo-(.*)-\d+\.\d+\.\d+\.tgz$/, '@rondo/$1'), join(folder, file)]),
  );
}

/** What is installed in a project. */
interface Installation {
  readonly manager: Manager;
  readonly tarballs: Tarballs;
  /** Which packages of the tarballs. */
  readonly names: readonly string[];
  /** Packages of others, by version. With them, optional dependencies are installed, too. */
  readonly others?: Readonly<Record<string, string>>;
  /** Of the project's files. */
  readonly type?: 'module' | 'commonjs';
}

/** What examples in READMEs import of others. */
const OF_EXAMPLES = { '@grpc/grpc-js': '1.14.7', '@opentelemetry/api': '1.9.1' };

/**
 * Installs some packages of the tarballs in an empty project. What they depend on comes from the tarballs too.
 *
 * @throws Error with the output of the package manager if it fails, or finds fault with a peer of our own packages.
 */
export async function installInEmptyProject(folder: string, installation: Installation): Promise<void> {
  const { manager, tarballs, names, others, type = 'module' } = installation;
  const all = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]));
  const manifest = {
    private: true,
    type,
    dependencies: { ...others, ...Object.fromEntries(names.map((name) => [name, all[name]])) },
    devDependencies: { ...OF_EXAMPLES, '@types/node': devDependencies['@types/node'] },
    ...(manager === 'npm' ? { overrides: all } : {}),
    ...(manager === 'yarn' ? { resolutions: all } : {}),
  };
  // Strict: a package finds what it names, and no others. No package of ours has a script to allow.
  const workspace = { hoist: false, overrides: all, allowBuilds: { protobufjs: false, '@scarf/scarf': false } };
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  if (manager === 'pnpm') writeFileSync(join(folder, 'pnpm-workspace.yaml'), JSON.stringify(workspace));
  const [[command, ...args], withoutOptional] = INSTALL[manager];
  // Some of others' dependencies want a newer Node, and only yarn minds.
  const options = others === undefined ? [withoutOptional] : manager === 'yarn' ? ['--ignore-engines'] : [];
  const { code, stdout, stderr } = await start(command, [...args, ...options], { cwd: folder }).ended;
  const faulty = code !== 0 || (others === undefined && /\bpeer\b/i.test(stdout + stderr));
  if (faulty) throw new Error(`${manager} failed: ${stdout}${stderr}`);
  const contracts = join(folder, 'node_modules/@rondo/contracts/dist/rondo/conformance');
  // The examples in READMEs have contracts of Rondo's tests, which aren't published.
  if (names.includes('@rondo/contracts')) cpSync(join(root, OF_TESTS), contracts, { recursive: true });
}

const OF_TESTS = 'packages/contracts/dist/rondo/conformance';

/** Every module that the packages of a project offer, but programs. */
export function modulesOf(folder: string, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const installed = join(folder, 'node_modules', name);
    const { exports }: { exports: object } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const stubs = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.js'))
      .map((file) => `${name}/${file.slice(0, -'.js'.length)}`);
    return Object.keys(exports)
      .filter((entry) => !/-main$|\.(?:json|binpb)$/.test(entry))
      .flatMap((entry) => (entry === './*' ? stubs : [`${name}${entry.slice(1)}`]));
  });
}

/** The examples in the READMEs of packages of a project, each written as a file of it. */
export function examplesIn(folder: string, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const readme = readFileSync(join(folder, 'node_modules', name, 'README.md'), 'utf8');
    return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], index) => {
      const file = `${name.replace('/', '-')}-${index}.mts`;
      writeFileSync(join(folder, file), `${code}export {};\n`);
      return file;
    });
  });
}

/** Compiles files of a project strictly, declarations of their dependencies included. */
export function compile(
  folder: string,
  files: string | readonly string[],
  resolution: 'NodeNext' | 'Bundler',
): Promise<Ended> {
  const module = resolution === 'Bundler' ? 'ESNext' : resolution;
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: 'ES2022',
    lib: ['ES2023'],
    types: ['node'],
  };
  const config = {
    compilerOptions: { ...options, module, moduleResolution: resolution, outDir: 'out' },
    files: [files].flat(),
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return start(join(root, 'node_modules/.bin/tsc'), ['--project', 'tsconfig.json'], { cwd: folder }).ended;
}
