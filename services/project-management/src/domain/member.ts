import { MemberDeleted } from './capacity-errors.js';
import { type ChangedSince, requireUnchanged } from './preconditions.js';
import { memberName } from './names.js';

/** What a caller says of a member. */
export interface MemberFields {
  readonly displayName: string;
  /** Unique in the team, whatever its case. */
  readonly email: string;
  readonly weeklyCapacityMinutes: bigint;
}

/** A member to be added. */
export interface NewMember extends MemberFields {
  readonly id: string;
}

/** Somebody who works on projects. */
export interface Member extends NewMember {
  readonly createTime: Date;
  readonly updateTime: Date;
  /** Undefined for who is in the team. */
  readonly deleteTime: Date | undefined;
  /** Counts the changes, from 1. */
  readonly version: bigint;
}

/** A change that a caller asks for: a field that is there is set, one that isn't stays. */
export interface MemberChange {
  readonly id: string;
  readonly fields: Partial<MemberFields>;
  readonly changedSince: ChangedSince<Member>;
}

/**
 * The member as they are after a change; the very same object where nothing would differ.
 *
 * @throws LostRace, MemberDeleted.
 */
export function changeMember(member: Member, { fields, changedSince }: MemberChange): Member {
  requireUnchanged(memberName(member.id), member, changedSince);
  requireInTeam(member);
  const changed: Member = { ...member, ...fields };
  return sameFields(member, changed) ? member : changed;
}

/** @throws MemberDeleted where the member is. */
export function requireInTeam({ id, deleteTime }: Pick<Member, 'id' | 'deleteTime'>): void {
  if (deleteTime !== undefined) throw new MemberDeleted(memberName(id));
}

function sameFields(a: MemberFields, b: MemberFields): boolean {
  return a.displayName === b.displayName && a.email === b.email && a.weeklyCapacityMinutes === b.weeklyCapacityMinutes;
}
