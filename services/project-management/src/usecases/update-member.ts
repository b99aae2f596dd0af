import { changeMember, type Member, type MemberChange } from '../domain/member.js';
import { mondayAt } from '../domain/planning/days.js';
import type { Ports } from '../domain/ports.js';
import { foundMember } from './found.js';

/** Changes a member. @throws NotFound, EmailTaken, MoreReserved and what `changeMember` throws. */
export async function updateMember(
  { members, now }: Pick<Ports, 'members' | 'now'>,
  change: MemberChange,
): Promise<Member> {
  const decide = (present: Member) => changeMember(present, change);
  return foundMember(await members.update(change.id, decide, mondayAt(now())), change.id);
}
