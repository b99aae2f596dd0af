/**
 * Checks what portable.grit can't see, as it isn't code: the names of files, the scripts of package.json, and for which platforms
 * the lock file has programs.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '@rondo/tool/workspace';
import { parse } from 'yaml';

/** https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file */
const RESERVED = /[<>:"|?*\\]|[. ](?:\/|$)|(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)/i;
/** Windows takes 259 characters for a path, with that of the clone. */
const MAX_CHARACTERS = 160;
/** What cmd.exe doesn't know, by which npm runs scripts on Windows. */
const OF_A_SHELL = /^\w+=|['$;`]|\b(?:exec|export|source|rm|cp|mv|cat) /;
const PLATFORMS = ['darwin arm64', 'darwin x64', 'linux arm64', 'linux x64', 'win32 x64'];

/** Checks the files that git holds. */
export function portable(tracked) {
  const read = (file) => readFileSync(path.join(root, file), 'utf8');
  const manifests = tracked.filter(
    (file) => path.posix.basename(file) === 'package.json' && existsSync(path.join(root, file)),
  );
  const faults = [
    ...unusable(tracked).map((file) => `Windows can't have a file of this name: ${file}`),
    ...alike(tracked).map((file) => `another file's name differs in case alone: ${file}`),
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
  return { code: faults.length, output: faults.join('\n') };
}

/** The names that Windows can't have. */
export const unusable = (files) => files.filter((file) => RESERVED.test(file) || file.length > MAX_CHARACTERS);

/** The names that macOS and Windows take for that of another file, as they differ in case alone. */
export function alike(files) {
  const folded = files.map((file) => file.toLowerCase());
  return files.filter((file, index) => folded.indexOf(file.toLowerCase()) !== index);
}

/** The scripts that only a Unix shell runs. */
export const ofAShell = (scripts) => Object.values(scripts).filter((line) => OF_A_SHELL.test(line));

/**
 * The platforms for which the lock file lacks a program of a package: pnpm leaves out what the registry didn't have at that time.
 * A program for glibc needs one for musl next to it.
 */
export function lacking({ packages, snapshots }) {
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
