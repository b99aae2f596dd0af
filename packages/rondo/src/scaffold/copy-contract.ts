import type { ChangeSet } from './change-set.js';
import type { Contract } from './contract/contract.js';
import { Refusal } from './errors.js';
import { unsavedEdits } from './record.js';
import { readText } from './repository.js';
import type { Workspace } from './workspace.js';
import { BUF, exempt, readExemptions } from './workspace-files/buf-exemptions.js';

/**
 * Checks that copying a contract's files into `proto/` loses no manual edit.
 *
 * @throws Refusal if an edit would be lost.
 */
export async function checkReplaceable({ root, signal }: Workspace, { files }: Contract): Promise<void> {
  const changed = files.filter(({ state }) => state === 'changed').map((file) => `proto/${file.path}`);
  const [edited] = await unsavedEdits(root, changed, signal);
  if (edited === undefined) return;
  throw new Refusal('has been edited here since it was copied, and git holds no copy of it', {
    place: { file: edited },
    remedy: 'commit it, then run this again',
  });
}

/** Writes the files of a contract that are new or different. Returns their paths. */
export function copyContract({ files }: Contract, changes: ChangeSet): readonly string[] {
  const taken = files.filter(({ state }) => state !== 'same');
  for (const file of taken) changes.write(`proto/${file.path}`, file.bytes);
  return taken.map((file) => file.path);
}

/** Exempts those of `files` from the style rules that break them. Returns their paths. */
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
