import type { ChangeSet } from './change-set.js';
import type { Contract } from './contract/index.js';
import { unsavedEdits } from './record.js';
import { Refusal } from './refusal.js';
import { readText } from './repository.js';
import { BUF, exempt, readExemptions } from './root-files/index.js';
import type { Workspace } from './workspace.js';

/**
 * Checks that no edit of a person's is lost when a contract's files are taken into `proto/`.
 *
 * @throws Refusal where one would be.
 */
export async function checkReplaceable({ root, signal }: Workspace, { files }: Contract): Promise<void> {
  const changed = files.filter(({ state }) => state === 'changed').map((file) => `proto/${file.path}`);
  const [edited] = await unsavedEdits(root, changed, signal);
  if (edited === undefined) return;
  throw new Refusal('has been edited here since it was taken, and git holds no copy of it', {
    place: { file: edited },
    remedy: 'commit it, then run this again',
  });
}

/** Writes a contract's files where they are new or different, and tells which those are. */
export function takeContract({ files }: Contract, changes: ChangeSet): readonly string[] {
  const taken = files.filter(({ state }) => state !== 'same');
  for (const file of taken) changes.write(`proto/${file.path}`, file.bytes);
  return taken.map((file) => file.path);
}

/** Exempts from our style those of `files` that have one of their own, and tells which those are. */
export function exemptFromStyle(
  { root }: Workspace,
  { files, styleRemarks }: { readonly files: readonly string[]; readonly styleRemarks: readonly string[] },
  changes: ChangeSet,
): readonly string[] {
  const known = readExemptions(root);
  const foreign = files.filter(
    (contract) => !known.includes(contract) && styleRemarks.some((remark) => isAbout(remark, contract)),
  );
  if (foreign.length > 0) changes.write(BUF, exempt(readText(root, BUF), foreign));
  return foreign;
}

const isAbout = (remark: string, contract: string) =>
  remark.startsWith(`proto/${contract}:`) || remark.startsWith(`${contract}:`);
