import { type Member, type MemberFields, changeMember, type MemberChange } from '../domain/member.js';
import type { Ports } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';
import { foundMember } from './found.js';
import type { ListQuery, Page } from '../domain/page.js';
import { mondayAt } from '../domain/planning/days.js';
import { type ChangedSince, requireUnchanged } from '../domain/preconditions.js';
import { memberName } from '../domain/names.js';

/** Adds a member to the team. @throws EmailTaken. */
export function createMember(
  { members, newId }: Pick<Ports, 'members' | 'newId'>,
  member: MemberFields,
  key: RequestKey | undefined,
): Promise<Member> {
  return members.create({ ...member, id: newId() }, key);
}

/** One member. @throws NotFound. */
export async function getMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.find(id), id);
}

/** A page of the team, the newest first. */
export function listMembers({ members }: Pick<Ports, 'members'>, query: ListQuery): Promise<Page<Member>> {
  return members.list(query);
}

/** Changes a member. @throws NotFound, EmailTaken, MoreReserved and what `changeMember` throws. */
export async function updateMember(
  { members, now }: Pick<Ports, 'members' | 'now'>,
  change: MemberChange,
): Promise<Member> {
  const decide = (present: Member) => changeMember(present, change);
  return foundMember(await members.update(change.id, decide, mondayAt(now())), change.id);
}

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

/** Brings a deleted member back. @throws NotFound, EmailTaken. */
export async function undeleteMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.restore(id), id);
}
