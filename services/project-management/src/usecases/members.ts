import { type ChangedSince, type ListQuery, type Page, requireUnchanged } from '@rondo/resources/domain';
import { changeMember, type Member, type MemberChange, type MemberFields } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import { mondayAt } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import { foundMember } from './found.js';

/** Creates a member. @throws EmailTaken. */
export function createMember<R>(
  { members, newId }: Pick<Ports, 'members' | 'newId'>,
  member: MemberFields,
  toReply: (member: Member) => R,
): Promise<R> {
  return members.create({ ...member, id: newId() }, toReply);
}

/** One member. @throws NotFound. */
export async function getMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.find(id), id);
}

/** One page of the members, the newest first. */
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

/** The member to delete, and the etag to check. */
export interface DeleteMember {
  readonly id: string;
  readonly changedSince: ChangedSince<Member>;
}

/** Deletes a member. A deleted member is returned as it is. @throws NotFound, StaleEtag, StillReserved. */
export async function deleteMember(
  { members, now }: Pick<Ports, 'members' | 'now'>,
  { id, changedSince }: DeleteMember,
): Promise<Member> {
  const admit = (present: Member) => requireUnchanged(memberName(id), present, changedSince);
  return foundMember(await members.delete(id, admit, mondayAt(now())), id);
}

/** Undeletes a member. One that isn't deleted is returned as it is. @throws NotFound, EmailTaken. */
export async function undeleteMember({ members }: Pick<Ports, 'members'>, id: string): Promise<Member> {
  return foundMember(await members.undelete(id), id);
}
