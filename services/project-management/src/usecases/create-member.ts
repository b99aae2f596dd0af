import type { Member, MemberFields } from '../domain/member.js';
import type { Ports } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';

/** Adds a member to the team. @throws EmailTaken. */
export function createMember(
  { members, newId }: Pick<Ports, 'members' | 'newId'>,
  member: MemberFields,
  key: RequestKey | undefined,
): Promise<Member> {
  return members.create({ ...member, id: newId() }, key);
}
