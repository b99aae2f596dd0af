import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, type RunningProcess, root, start } from '@rondo/harness';
import { type Guide, readGuide } from '../../../../e2e/src/docs.js';

export const guide: Guide = readGuide('in-an-existing-app.md');

/** The versions that the guide is tried with. */
export const NEST = {
  '@grpc/grpc-js': '1.14.7',
  '@grpc/proto-loader': '0.8.1',
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/microservices': '12.1.1',
  '@nestjs/platform-express': '12.5.1',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
};
/** The last version that is CommonJS itself. */
export const NEST_11 = {
  ...NEST,
  '@nestjs/common': '11.2.10',
  '@nestjs/core': '11.2.10',
  '@nestjs/microservices': '11.2.6',
  '@nestjs/platform-express': '11.2.10',
};
export const FASTIFY = { fastify: '5.12.8' };
export const NEXT = {
  '@types/react': '19.3.0',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
  typescript: '6.0.2',
};

/** The compiler's options in an app that `nest new` makes, without those of its test runner. */
const compilerOptions = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2023',
  types: ['node'],
  outDir: './dist',
  rootDir: './src',
  incremental: true,
  skipLibCheck: true,
  strict: true,
  strictPropertyInitialization: false,
};

/** Writes and compiles the guide's NestJS app in a folder where it is installed. */
export async function buildNest(folder: string): Promise<void> {
  guide.write(folder, ...guide.files.filter((file) => /^src\/.*ts$/.test(file)));
  const typeRoots = [join(root, 'node_modules/@types')];
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, include: ['src'] }),
  );
  await runIn(folder, join(root, 'node_modules/.bin/tsc'));
}

/** An app that answers. */
export interface App {
  readonly app: RunningProcess;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; text: string }>;
}

/**
 * Starts an app by Node in its folder, and waits until it says hello.
 *
 * @throws Error with what it printed if it ends first.
 */
export async function startApp(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<App> {
  const port = await freePort();
  const app = start(process.execPath, args, { cwd: folder, env: { ...env, PORT: String(port) } });
  const get: App['get'] = async (path, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: response.status, text: await response.text() };
  };
  await eventually(async () => {
    if (!app.hasEnded && (await get('/hello?text=hi')).status !== 200) throw new Error('it does not say hello');
  });
  if (app.hasEnded) throw new Error(`${args.join(' ')} has ended: ${JSON.stringify(app.output())}`);
  return { app, get };
}

/** The standard output of a program in a folder. @throws Error with its output if it fails. */
export async function runIn(folder: string, program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(program, args, { cwd: folder }).ended;
  if (code !== 0) throw new Error(`${[program, ...args].join(' ')} failed: ${stdout}${stderr}`);
  return stdout;
}
