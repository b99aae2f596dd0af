import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { readArguments } from './arguments.js';

const here = { directory: '/home/ada', userAgent: undefined, terminal: undefined };
const read = (...args: readonly string[]) => readArguments(args, here);

describe('the arguments of npm create rondo', () => {
  it('name the folder, by which the app is named', async () => {
    const usual = { withDatabase: true, withSamples: false, plugins: [], packageManager: 'npm' };
    expect(await read('shop')).toEqual({ folder: '/home/ada/shop', name: 'shop', ...usual });
    expect(await read('../Shop 2', '--name', 'shop-2', '--no-database', '--package-manager', 'pnpm')).toEqual({
      folder: '/home/Shop 2',
      name: 'shop-2',
      withDatabase: false,
      withSamples: false,
      plugins: [],
      packageManager: 'pnpm',
    });
    expect(await read('shop', '--plugins', 'topics-nats, registry-consul')).toMatchObject({
      plugins: ['topics-nats', 'registry-consul'],
    });
    expect(await read('shop', '--samples')).toMatchObject({ withDatabase: true, withSamples: true });
    expect(await readArguments(['shop'], { ...here, userAgent: 'pnpm/12.21.0 npm/?' })).toMatchObject({
      packageManager: 'pnpm',
    });
    expect(await read('--help')).toBeUndefined();
  });

  it.each([
    [[], /^name the folder to make: npm create rondo my-app$/],
    [['a', 'b'], /^"b" is not expected: options come after a "--"$/],
    [['My App'], /^the name "My App" must begin with a letter .* characters at most: give another by --name$/],
    [['shop', '--name', '@acme/shop'], /^the name "@acme\/shop" must begin with a letter .* characters at most$/],
    [['shop', '--name', 'rondo'], /^the name "rondo" is that of the packages which an app installs$/],
    [['shop', '--samples', '--no-database'], /^--samples needs PostgreSQL: leave --no-database out$/],
    [['shop', '--package-manager', 'yarn'], /^--package-manager "yarn" must be npm or pnpm$/],
    [['shop', '--plugins', 'topics-nats,etcd'], /^--plugins "etcd" must be of authentication, .*, topics-nats$/],
    [['shop', '--databse'], /^Unknown option '--databse'/],
  ])('are refused if they are wrong: %j', async (args, message) => {
    await expect(read(...args)).rejects.toThrow(message);
  });

  it('name no file, and no folder that has files', async () => {
    await expect(read(import.meta.dirname)).rejects.toThrow(/src is not empty: name another folder$/);
    await expect(read(import.meta.filename)).rejects.toThrow(/\.test\.ts is a file: name another folder$/);
  });
});

const [DOWN, ENTER, CTRL_C] = ['\u001b[B', '\r', '\u0003'];

/** Reads the arguments at a terminal: as soon as a question is asked, the next of the answers is typed. */
async function answer(args: readonly string[], answers: readonly string[]) {
  const terminal = { input: new PassThrough(), output: new PassThrough() };
  const left = [...answers];
  const asked: string[] = [];
  terminal.output.on('data', (bytes: Buffer) => {
    const [, question] = /◆ {2}(.*)/.exec(stripVTControlCharacters(bytes.toString())) ?? [];
    if (question === undefined || question === asked.at(-1)) return;
    asked.push(question);
    setImmediate(() => terminal.input.write(left.shift() ?? CTRL_C));
  });
  return { read: await readArguments(args, { ...here, terminal }), asked };
}

describe('at a terminal', () => {
  it('are what an app usually has, if Enter answers each question', async () => {
    const { read: made, asked } = await answer([], [ENTER, ENTER, ENTER, ENTER, ENTER]);
    expect(made).toEqual(await read('my-app'));
    expect(asked).toHaveLength(5);
  });

  it('are asked for unless an option gives them', async () => {
    const { read: made, asked } = await answer(['shop', '--samples', '--plugins', 'cache-redis'], [`${DOWN}${ENTER}`]);
    expect(made).toEqual(await read('shop', '--samples', '--plugins', 'cache-redis', '--package-manager', 'pnpm'));
    expect(asked).toEqual(['The package manager whose commands you type']);
    const [CONSUL, NATS] = [`${DOWN.repeat(3)} `, `${DOWN.repeat(5)} ${ENTER}`];
    const chosen = await answer(['--no-database', '--package-manager', 'npm'], [`shop${ENTER}`, CONSUL + NATS]);
    expect(chosen.read).toEqual(await read('shop', '--no-database', '--plugins', 'registry-consul,topics-nats'));
    expect((await answer(['shop', '--yes'], [])).asked).toEqual([]);
  });

  it('are not needed any more after Ctrl-C', async () => {
    await expect(answer([], [ENTER, CTRL_C])).rejects.toThrow('nothing was made');
  });
});
