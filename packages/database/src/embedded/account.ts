import { execFileSync, spawnSync } from 'node:child_process';

/** Whom the server runs as: ids for `spawn`, empty when that is this process's own user. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/**
 * PostgreSQL refuses to run as root, so root lends it `nobody`, who exists on every Linux and macOS. Any other user
 * runs it as itself.
 */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** macOS prints nobody's -2 as an unsigned number, and `spawn` wants it signed. */
function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })) | 0;
}

/** Whether the account may enter a folder, or run a file; a home of mode 0700 keeps `nobody` out. */
export function canReach(account: Account, path: string): boolean {
  if (account.uid === undefined) return true;
  return spawnSync('/bin/sh', ['-c', '[ -x "$1" ]', 'sh', path], { ...account, cwd: '/' }).status === 0;
}
