import { type ChangedSince, requireUnchanged } from '../domain/freshness.js';
import type { Member } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import { mondayAt } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import { foundMember } from './found.js';

/** Which member, as they were read. */
export interface DeleteMember {
  readonly id: string;
  readonly changedSince: ChangedSince<Member>;
}

/** Deletes a member; one that is deleted already stays so. @throws NotFound, LostRace, StillReserved. */
export async function deleteMember(
  { members, now }: Pick<Ports, 'members' | 'now'>,
  { id, changedSince }: DeleteMember,
): Promise<Member> {
  const admit = (present: Member) => requireUnchanged(memberName(id), present, changedSince);
  return foundMember(await members.remove(id, admit, mondayAt(now())), id);
}
