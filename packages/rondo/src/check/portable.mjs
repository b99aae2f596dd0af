/**
 * Checks what portable.grit can't see, as it isn't code: the names of files, the scripts of package.json, and for which platforms
 * the lock file has programs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { root } from '../workspace/paths.js';

/** https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file */
const RESERVED = /[<>:"|?*\\]|[. ](?:\/|$)|(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)/i;
/** Windows takes 259 characters for a path, with that of the clone. */
const MAX_CHARACTERS = 160;
/** What cmd.exe doesn't know, by which npm runs scripts on Windows. */
const OF_A_SHELL = /^\w+=|['$;`]|\b(?:exec|export|source|rm|cp|mv|cat) /;
const PLATFORMS = ['darwin arm64', 'darwin x64', 'linux arm64', 'linux x64', 'win32 x64'];

const unusable = (files) => files.filter((file) => RESERVED.test(file) || file.length > MAX_CHARACTERS);

/** macOS and Windows take names for the same that differ in case alone. */
function alike(files) {
  const folded = files.map((file) => file.toLowerCase());
  return files.filter((_, index) => folded.indexOf(folded[index]) !== index);
}

const ofAShell = (scripts) => Object.values(scripts).filter((line) => OF_A_SHELL.test(line));

/**
 * The platforms for which the lock file lacks a program of a package: pnpm leaves out what the registry didn't have at that time.
 * A program for glibc needs one for musl beside it.
 */
function lacking({ packages, snapshots }) {
  return Object.entries(snapshots).flatMap(([name, { optionalDependencies = {} }]) => {
    const builds = Object.entries(optionalDependencies).map((one) => packages[one.join('@')] ?? {});
    const has = (platform, libc) =>
      builds.some((one) => `${one.os} ${one.cpu}` === platform && (libc === undefined || one.libc?.includes(libc)));
    if (!has('linux x64')) return [];
    const missing = PLATFORMS.filter((platform) => !has(platform));
    const musl = PLATFORMS.filter((platform) => has(platform, 'glibc') && !has(platform, 'musl'));
    return [...missing, ...musl.map((platform) => `${platform} musl`)].map((platform) => `${name}: ${platform}`);
  });
}

const [glibc, musl] = ['glibc', 'musl'].map((libc) => ({ os: ['linux'], cpu: ['x64'], libc: [libc] }));
const others = PLATFORMS.filter((one) => one !== 'linux x64').map((one) => one.split(' '));
/** A lock file with programs for every platform, and these for Linux on x64. */
function lockWith(linux) {
  const builds = [...linux, ...others.map(([os, cpu]) => ({ os: [os], cpu: [cpu] }))];
  const names = builds.map((_, index) => `build-${index}`);
  const packages = Object.fromEntries(names.map((name, index) => [`${name}@1`, builds[index]]));
  return {
    packages,
    snapshots: { 'a@1': { optionalDependencies: Object.fromEntries(names.map((name) => [name, '1'])) } },
  };
}
const withoutMac = lockWith([glibc, musl]);
delete withoutMac.packages['build-2@1'];

/** What each check must find, by how many faults. */
const CASES = [
  [unusable, ['a:b.ts', 'src/con.ts', 'a./b.ts', `${'long/'.repeat(40)}a.ts`, 'console.ts', 'a.b/.c'], 4],
  [alike, ['docs/A.md', 'docs/a.md', 'docs/b.md'], 1],
  [ofAShell, { a: 'exec node a', b: 'CI=1 node a', c: "node 'a'", d: 'node $A', e: 'node a && node b "c"' }, 4],
  [lacking, lockWith([glibc, musl]), 0],
  [lacking, lockWith([glibc]), 1],
  [lacking, withoutMac, 1],
];
const missed = CASES.filter(([check, input, faults]) => check(input).length !== faults);

const read = (file) => readFileSync(path.join(root, file), 'utf8');
const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  .trim()
  .split('\n');
const manifests = files
  .filter((file) => path.posix.basename(file) === 'package.json')
  .filter((file) => existsSync(path.join(root, file)));
const faults = [
  ...missed.map(([check, input]) => `${check.name} judges wrongly: ${JSON.stringify(input)}`),
  ...unusable(files).map((file) => `Windows can't have a file of this name: ${file}`),
  ...alike(files).map((file) => `another file's name differs in case alone: ${file}`),
  ...manifests.flatMap((file) =>
    ofAShell(JSON.parse(read(file)).scripts ?? {}).map((line) => `${file}: only a Unix shell runs ${line}`),
  ),
  ...lacking(parse(read('pnpm-lock.yaml'))).map(
    (one) => `pnpm-lock.yaml has no program of ${one}: npx pnpm install --fix-lockfile adds it`,
  ),
  ...(/^\* text=auto eol=lf$/m.test(read('.gitattributes'))
    ? []
    : ['.gitattributes: git on Windows writes CRLF without * text=auto eol=lf']),
];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${files.length} names, ${manifests.length} manifests`);
