import {
  type CalendarDate,
  type ChangedSince,
  type Deletable,
  differs,
  type ListQuery,
  type Page,
  requireUnchanged,
} from '@rondo/resources/domain';
import { MemberDeleted } from './capacity-errors.js';
import { memberName } from './names.js';

/** The fields of a member that a caller sets. */
export interface MemberFields {
  readonly displayName: string;
  /** Unique in the team, ignoring case. */
  readonly email: string;
  readonly weeklyCapacityMinutes: bigint;
  /** The subject of the person's identity, unique in all teams; empty for none. */
  readonly subject: string;
  /** The team whose projects the member sees. */
  readonly team: string;
}

/** A member before it is stored. */
export interface NewMember extends MemberFields {
  readonly id: string;
}

/** A person of the team, who works on projects. */
export interface Member extends NewMember, Deletable {}

/** A requested change. It sets the given fields and keeps the others. */
export interface MemberChange {
  readonly id: string;
  readonly fields: Partial<MemberFields>;
  readonly changedSince: ChangedSince<Member>;
}

/** Stores members. `ProjectStore` in ports.ts says what holds for every store. */
export interface MemberStore {
  /** Rejects with `EmailTaken`. */
  create<R>(member: NewMember, toReply: (member: Member) => R): Promise<R>;
  /** Finds deleted members too. */
  find(id: string): Promise<Member | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<Member>>;
  /**
   * Stores the result of `decide`, like `ProjectStore.update`. Rejects with `EmailTaken`, and with `MoreReserved` if a
   * week from `thisWeek` on has more reserved minutes than the new capacity.
   */
  update(id: string, decide: (member: Member) => Member, thisWeek: CalendarDate): Promise<Member | undefined>;
  /**
   * Deletes a member, unless `admit` throws or the member is already deleted. Rejects with `StillReserved` if the
   * member has reservations from `thisWeek` on.
   */
  delete(id: string, admit: (member: Member) => void, thisWeek: CalendarDate): Promise<Member | undefined>;
  /** Undeletes a member. Rejects with `EmailTaken`. */
  undelete(id: string): Promise<Member | undefined>;
}

/**
 * The member after a change. If nothing would differ, it returns the same object.
 *
 * @throws StaleEtag, MemberDeleted.
 */
export function changeMember(member: Member, { fields, changedSince }: MemberChange): Member {
  requireUnchanged(memberName(member.id), member, changedSince);
  requireInTeam(member);
  return differs(member, fields) ? { ...member, ...fields } : member;
}

/** @throws MemberDeleted if the member is deleted. */
export function requireInTeam({ id, deleteTime }: Pick<Member, 'id' | 'deleteTime'>): void {
  if (deleteTime !== undefined) throw new MemberDeleted(memberName(id));
}
